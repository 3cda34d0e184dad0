// The bodies of Gemini's 200 answers: one with a picture, and the many without one (field reports). A refusal, a change
// of mind and an empty answer all look like success to HTTP; only the finish reason and the parts tell them apart.
import type { Usage } from '../../domain/price.ts';
import type { NoImageForm } from '../faults/rule.ts';

/** `base64` as the bytes of its characters. */
export type EncodedPicture = { readonly mediaType: string; readonly base64: Buffer };

/** What every body of one answer shares. */
export type BodyFrame = { readonly model: string; readonly responseId: string; readonly usage: Usage };

type Part = Readonly<Record<string, unknown>>;

/** How a picture may be put oddly: after an interim draft, or as a data URI in a text part, as some relays do. */
export type Oddities = { readonly thought: EncodedPicture | undefined; readonly asText: boolean };

/** A picture, as the last part. */
export function pictureBody(frame: BodyFrame, picture: EncodedPicture, odd: Oddities): unknown {
  const parts = pictureParts(picture, odd);
  return candidateBody(
    frame,
    'STOP',
    parts.map((part, index) => (index === parts.length - 1 ? { ...part, thoughtSignature: signature(frame) } : part)),
  );
}

/** The same as the last chunks of a stream: one part each, then the end with its usage. */
export function pictureChunks(frame: BodyFrame, picture: EncodedPicture, odd: Oddities): readonly unknown[] {
  const chunks = pictureParts(picture, odd).map((part) => chunkOf(frame, part));
  return [...chunks, candidateBody(frame, 'STOP', [{ text: '', thoughtSignature: signature(frame) }], true)];
}

/** A stream's first chunk: what the model is thinking. */
export function thoughtChunk(frame: BodyFrame): unknown {
  return chunkOf(frame, { text: 'Considering the composition of the scene.', thought: true });
}

function chunkOf(frame: BodyFrame, part: Part): unknown {
  return {
    candidates: [{ content: { parts: [part], role: 'model' }, index: 0 }],
    modelVersion: frame.model,
    responseId: frame.responseId,
  };
}

function pictureParts(picture: EncodedPicture, odd: Oddities): readonly Part[] {
  const draft: readonly Part[] = odd.thought ? [{ inlineData: inline(odd.thought), thought: true }] : [];
  const final: Part = odd.asText
    ? { text: `data:${picture.mediaType};base64,${picture.base64.toString('latin1')}` }
    : { inlineData: inline(picture) };
  return [...draft, final];
}

function signature(frame: BodyFrame): string {
  return Buffer.from(`sandbox-${frame.responseId}`).toString('base64');
}

/** A 200 that is only the beginning: whoever sends the token back is served, and billed, again. */
export function unfinishedBody(frame: BodyFrame): unknown {
  return {
    candidates: [
      {
        content: { parts: [{ text: 'Considering the composition of the scene.', thought: true }], role: 'model' },
        finishReason: 'CONTINUATION',
        continuationToken: signature(frame),
        index: 0,
      },
    ],
    usageMetadata: usageMetadata(frame.usage, false),
    modelVersion: frame.model,
    responseId: frame.responseId,
  };
}

function inline(picture: EncodedPicture): Part {
  return { mimeType: picture.mediaType, data: picture.base64 };
}

const NOT_CHARGED =
  'Unable to show the generated image. The model could not generate the image based on the prompt provided. You will not be charged for this request.';

/** A 200 without an image. */
export function emptyBody(frame: BodyFrame, form: NoImageForm): unknown {
  switch (form) {
    case 'emptyData':
    case 'emptyObject':
    case 'noCandidates':
      return { usageMetadata: usageMetadata(frame.usage, false), modelVersion: frame.model, responseId: frame.responseId };
    case 'promptBlock':
      return {
        promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
        usageMetadata: usageMetadata(frame.usage, false),
        modelVersion: frame.model,
        responseId: frame.responseId,
      };
    case 'textOnly':
      return candidateBody(frame, 'STOP', [
        { text: 'Here is a description of the image you asked for. Would you like me to go ahead and create it?' },
      ]);
    case 'thoughtOnly':
      return candidateBody(frame, 'STOP', [{ text: 'Considering the composition of the scene.', thought: true }]);
    default:
      return candidateBody(frame, form, undefined);
  }
}

function candidateBody(
  frame: BodyFrame,
  finishReason: string,
  parts: readonly Part[] | undefined,
  withImage = parts?.some((part) => 'inlineData' in part) ?? false,
): unknown {
  const candidate = parts
    ? { content: { parts, role: 'model' }, finishReason, index: 0 }
    : { content: {}, finishReason, index: 0, finishMessage: NOT_CHARGED };
  return {
    candidates: [candidate],
    usageMetadata: usageMetadata(frame.usage, withImage),
    modelVersion: frame.model,
    responseId: frame.responseId,
  };
}

function usageMetadata(usage: Usage, withImage: boolean): unknown {
  const images = withImage ? usage.imageOutTokens : 0;
  const prompt = usage.textInTokens + usage.imageInTokens;
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: images,
    totalTokenCount: prompt + images + usage.textOutTokens,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: usage.textInTokens },
      ...(usage.imageInTokens > 0 ? [{ modality: 'IMAGE', tokenCount: usage.imageInTokens }] : []),
    ],
    ...(withImage ? { candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: images }] } : {}),
    thoughtsTokenCount: usage.textOutTokens,
  };
}
