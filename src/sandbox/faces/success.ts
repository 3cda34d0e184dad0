// The body of a successful answer in either protocol, and the ways an injected fault spoils its pictures.
import type { Usage } from '../../domain/price.ts';
import { formatSize } from '../../domain/size.ts';
import type { ImageCall } from '../call.ts';
import type { Alteration } from '../model/course.ts';
import { type EncodedPicture, pictureBody } from './google-bodies.ts';

export type Success = {
  readonly call: ImageCall;
  readonly requestId: string;
  readonly createdSeconds: number;
  readonly usage: Usage;
  readonly pictures: readonly EncodedPicture[];
  readonly alterations: readonly Alteration[];
};

export function successBody(success: Success): unknown {
  const pictures = spoilt(success.pictures, success.alterations);
  return success.call.protocol === 'openai' ? openaiBody(success, pictures) : googleBody(success, pictures);
}

function spoilt(pictures: readonly EncodedPicture[], alterations: readonly Alteration[]): readonly EncodedPicture[] {
  const fewer = alterations.includes('fewer-images') ? pictures.slice(0, -1) : pictures;
  if (alterations.includes('bad-base64'))
    return fewer.map((picture) => ({ ...picture, base64: `%%${picture.base64.slice(0, 400)}*not base64*` }));
  if (alterations.includes('wrong-magic'))
    return fewer.map((picture) => ({
      ...picture,
      base64: Buffer.from('\u0000'.repeat(16) + picture.base64.slice(0, 3_000)).toString('base64'),
    }));
  return fewer;
}

function openaiBody({ call, usage, createdSeconds }: Success, pictures: readonly EncodedPicture[]): unknown {
  return {
    created: createdSeconds,
    background: call.transparent ? 'transparent' : 'opaque',
    data: pictures.map((picture) => ({ b64_json: picture.base64 })),
    output_format: call.format,
    ...(call.quality === undefined ? {} : { quality: call.quality }),
    size: formatSize(call.size),
    usage: {
      input_tokens: usage.textInTokens + usage.imageInTokens,
      input_tokens_details: { text_tokens: usage.textInTokens, image_tokens: usage.imageInTokens },
      output_tokens: usage.imageOutTokens,
      output_tokens_details: { image_tokens: usage.imageOutTokens, text_tokens: 0 },
      total_tokens: usage.textInTokens + usage.imageInTokens + usage.imageOutTokens,
    },
    ...(call.safetyIdentifier === undefined ? {} : { safety_identifier: call.safetyIdentifier }),
  };
}

function googleBody({ call, usage, requestId, alterations }: Success, pictures: readonly EncodedPicture[]): unknown {
  const picture = pictures[0] ?? { mediaType: 'image/jpeg', base64: '' };
  return pictureBody({ model: call.model, responseId: requestId, usage }, picture, {
    thought: alterations.includes('thought-image') ? picture : undefined,
    asText: alterations.includes('data-uri-text'),
  });
}
