// The bodies of Gemini's 200 answers: one with a picture, and the many without one (providers.md 3.3). A refusal, a change
// of mind and an empty answer all look like success to HTTP; only the finish reason and the parts tell them apart.
import type { Usage } from '../../domain/price.ts';
import type { NoImageForm } from '../faults/rule.ts';

export type EncodedPicture = { readonly mediaType: string; readonly base64: string };

/** What every body of one answer shares. */
export type BodyFrame = { readonly model: string; readonly responseId: string; readonly usage: Usage };

type Part = Readonly<Record<string, unknown>>;

/** A picture, as the last part. `thought` puts an interim draft in front of it; `asText` sends a data URI, as some relays do. */
export function pictureBody(
  frame: BodyFrame,
  picture: EncodedPicture,
  odd: { readonly thought: EncodedPicture | undefined; readonly asText: boolean },
): unknown {
  const draft: readonly Part[] = odd.thought ? [{ inlineData: inline(odd.thought), thought: true }] : [];
  const final: Part = odd.asText
    ? { text: `data:${picture.mediaType};base64,${picture.base64}` }
    : { inlineData: inline(picture), thoughtSignature: Buffer.from(`sandbox-${frame.responseId}`).toString('base64') };
  return candidateBody(frame, 'STOP', [...draft, final]);
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

function candidateBody(frame: BodyFrame, finishReason: string, parts: readonly Part[] | undefined): unknown {
  const candidate = parts
    ? { content: { parts, role: 'model' }, finishReason, index: 0 }
    : { content: {}, finishReason, index: 0, finishMessage: NOT_CHARGED };
  return {
    candidates: [candidate],
    usageMetadata: usageMetadata(frame.usage, parts?.some((part) => 'inlineData' in part) ?? false),
    modelVersion: frame.model,
    responseId: frame.responseId,
  };
}

function usageMetadata(usage: Usage, withImage: boolean): unknown {
  const images = withImage ? usage.imageOutTokens : 0;
  return {
    promptTokenCount: usage.textInTokens,
    candidatesTokenCount: images,
    totalTokenCount: usage.textInTokens + images + usage.textOutTokens,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: usage.textInTokens }],
    ...(withImage ? { candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: images }] } : {}),
    thoughtsTokenCount: usage.textOutTokens,
  };
}
