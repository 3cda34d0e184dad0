// From what arrived to what is delivered: exactly the count asked for, each picture decoded, measured, and brought to the
// asked pixels and format. All or nothing: one bad picture fails the call, because a caller who asked for three and
// gets two must not be told it went well.
import type { Image } from '../domain/image.ts';
import type { Usage } from '../domain/price.ts';
import { fitImage } from './geometry.ts';
import { checkImage, decodeBase64 } from './image-check.ts';
import type { Adjustment, ProviderCall, ProviderReply } from './provider.ts';
import { failureOf, TOO_FEW_IMAGES, unreadable, type Verdict, wrongGeometry } from './verdicts.ts';

export type Arrival = {
  /** Base64 or data URIs, in the provider's order; more than were asked for are left away. */
  readonly pictures: readonly string[];
  readonly usage: Usage | undefined;
  readonly requestId: string | undefined;
  readonly status: number;
  /** Whether the provider was told the asked compression. */
  readonly isCompressed: boolean;
};

type Picture =
  | { readonly kind: 'ready'; readonly image: Image; readonly adjustments: readonly Adjustment[] }
  | { readonly kind: 'useless'; readonly verdict: Verdict; readonly reason: string };

/** Expects at least one picture: having none at all is the provider's story to tell. Never rejects. */
export async function deliver(call: ProviderCall, arrival: Arrival): Promise<ProviderReply> {
  const { usage, requestId, status } = arrival;
  const failed = (verdict: Verdict, message: string): ProviderReply => ({
    kind: 'failed',
    failure: failureOf(verdict, { message, status }),
    requestId,
  });
  if (arrival.pictures.length < call.n) return failed(TOO_FEW_IMAGES, `${arrival.pictures.length} of ${call.n} images came`);
  const images: Image[] = [];
  const adjustments = new Map<string, Adjustment>();
  // One after the other: each decoded 4K picture takes tens of megabytes, and sharp uses every core for one already.
  for (const encoded of arrival.pictures.slice(0, call.n)) {
    const picture = await readPicture(call, encoded, arrival);
    if (picture.kind === 'useless') return failed(picture.verdict, picture.reason);
    images.push(picture.image);
    for (const adjustment of picture.adjustments) adjustments.set(adjustment.detail, adjustment);
  }
  return { kind: 'delivered', images, adjustments: [...adjustments.values()], usage, requestId };
}

async function readPicture(call: ProviderCall, encoded: string, arrival: Arrival): Promise<Picture> {
  const billed = arrival.usage !== undefined && arrival.usage.imageOutTokens > 0 ? 'yes' : 'possibly';
  const bytes = decodeBase64(encoded);
  if (bytes === undefined) return { kind: 'useless', verdict: unreadable(billed), reason: 'the image is not valid base64' };
  const checked = await checkImage(bytes);
  if (checked.kind === 'broken') return { kind: 'useless', verdict: unreadable(billed), reason: checked.reason };
  const fitted = await fitImage(checked.image, {
    asked: call.size.size,
    deliver: call.deliver,
    format: call.format,
    compression: call.compression,
    isCompressed: arrival.isCompressed,
  });
  if (fitted.kind === 'misfit') return { kind: 'useless', verdict: wrongGeometry(billed), reason: fitted.reason };
  return { kind: 'ready', image: fitted.image, adjustments: fitted.adjustments };
}
