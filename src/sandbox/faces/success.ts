// A successful answer in either protocol: whole, or as the last events of a stream.
import type { Usage } from '../../domain/price.ts';
import { formatSize } from '../../domain/size.ts';
import type { ImageCall } from '../call.ts';
import type { Alteration } from '../model/course.ts';
import { type BodyFrame, type EncodedPicture, type Oddities, pictureBody, pictureChunks, thoughtChunk } from './google-bodies.ts';
import { type SseEvent, unnamed } from './sse.ts';

export type Success = {
  readonly call: ImageCall;
  readonly requestId: string;
  readonly createdSeconds: number;
  readonly usage: Usage;
  readonly pictures: readonly EncodedPicture[];
  readonly alterations: readonly Alteration[];
};

export function successBody(success: Success): unknown {
  return success.call.protocol === 'openai'
    ? openaiBody(success)
    : pictureBody(frameOf(success), onlyPicture(success), odditiesOf(success));
}

/** The events that end a healthy stream. */
export function successEvents(success: Success): readonly SseEvent[] {
  if (success.call.protocol === 'google') return pictureChunks(frameOf(success), onlyPicture(success), odditiesOf(success)).map(unnamed);
  const { call, pictures, usage } = success;
  return pictures.map((picture, index) =>
    openaiEvent(success, 'completed', picture, { usage: openaiUsage(shareOf(usage, index, call.n)), ...echoOf(call) }),
  );
}

/** An event before the end: a partial image of openai's, a thought of google's. */
export function partialEvent(success: Omit<Success, 'pictures'>, picture: EncodedPicture | undefined, index: number): SseEvent {
  if (success.call.protocol === 'google' || picture === undefined) return unnamed(thoughtChunk(frameOf(success)));
  return openaiEvent(success, 'partial_image', picture, { partial_image_index: index });
}

/** Several images in one stream: each event carries its own tokens, so that their sum is the bill. What was read is counted once. */
function shareOf(usage: Usage, index: number, n: number): Usage {
  const read = index === 0 ? 1 : 0;
  return {
    ...usage,
    textInTokens: usage.textInTokens * read,
    imageInTokens: usage.imageInTokens * read,
    imageOutTokens: usage.imageOutTokens / n,
  };
}

type Facts = Omit<Success, 'pictures'>;

function openaiEvent(facts: Facts, moment: 'partial_image' | 'completed', picture: EncodedPicture, rest: object): SseEvent {
  const type = `${facts.call.references.length > 0 ? 'image_edit' : 'image_generation'}.${moment}`;
  const value = { type, b64_json: picture.base64, created_at: facts.createdSeconds, ...settingsOf(facts.call), ...rest };
  return { name: type, value };
}

function settingsOf(call: ImageCall): object {
  return {
    size: formatSize(call.size),
    ...(call.quality === undefined ? {} : { quality: call.quality }),
    background: call.transparent ? 'transparent' : 'opaque',
    output_format: call.format,
  };
}

function echoOf(call: ImageCall): object {
  return call.safetyIdentifier === undefined ? {} : { safety_identifier: call.safetyIdentifier };
}

function openaiBody({ call, usage, createdSeconds, pictures }: Success): unknown {
  return {
    created: createdSeconds,
    ...settingsOf(call),
    data: pictures.map((picture) => ({ b64_json: picture.base64 })),
    usage: openaiUsage(usage),
    ...echoOf(call),
  };
}

function openaiUsage(usage: Usage): unknown {
  return {
    input_tokens: usage.textInTokens + usage.imageInTokens,
    input_tokens_details: { text_tokens: usage.textInTokens, image_tokens: usage.imageInTokens },
    output_tokens: usage.imageOutTokens,
    output_tokens_details: { image_tokens: usage.imageOutTokens, text_tokens: 0 },
    total_tokens: usage.textInTokens + usage.imageInTokens + usage.imageOutTokens,
  };
}

function frameOf({ call, requestId, usage }: Facts): BodyFrame {
  return { model: call.model, responseId: requestId, usage };
}

function onlyPicture({ pictures }: Success): EncodedPicture {
  return pictures[0] ?? { mediaType: 'image/jpeg', base64: Buffer.alloc(0) };
}

function odditiesOf(success: Success): Oddities {
  const { alterations } = success;
  return {
    thought: alterations.includes('thought-image') ? onlyPicture(success) : undefined,
    asText: alterations.includes('data-uri-text'),
  };
}
