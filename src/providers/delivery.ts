// From what arrived to what is delivered: every picture checked, measured, and brought to the asked pixels and format. A
// paid sibling is never thrown away: of three pictures of which one is missing or useless, two are delivered, and the
// reply says so. Only when nothing usable came has the call failed.
import type { Image } from '../domain/image.ts';
import type { Usage } from '../domain/price.ts';
import { decodeBase64 } from './base64.ts';
import { checkEncoded, NOT_BASE64 } from './encoded-picture.ts';
import { fitImage } from './geometry.ts';
import { type Checked, checkImage, undecodable } from './image-check.ts';
import { giveBackMemory } from './picture-memory.ts';
import type { Adjustment, ProviderCall, ProviderReply } from './provider.ts';
import { failureOf, unreadable, type Verdict, wrongGeometry } from './verdicts.ts';

export type Arrival = {
  /** Base64, as text or ASCII bytes, or data URIs, in the provider's order; more than were asked for are left away. */
  readonly pictures: readonly (string | Uint8Array)[];
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
  const images: Image[] = [];
  const useless: Extract<Picture, { kind: 'useless' }>[] = [];
  const adjustments = new Map<string, Adjustment>();
  // One after the other: each decoded 4K picture takes tens of megabytes, and sharp uses every core for one already.
  const pictures = arrival.pictures.slice(0, call.n);
  for (const encoded of pictures) {
    const picture = await readPicture(call, encoded, arrival);
    if (picture.kind === 'useless') {
      useless.push(picture);
      continue;
    }
    images.push(picture.image);
    for (const adjustment of picture.adjustments) adjustments.set(adjustment.detail, adjustment);
  }
  // What was decoded is a copy.
  if (!call.keepEncoded) for (const encoded of pictures) if (typeof encoded !== 'string') giveBackMemory(encoded);
  const [first] = useless;
  if (images.length === 0 && first !== undefined) return failed(first.verdict, first.reason);
  const missing = images.length < call.n ? [missingReport(images.length, call.n, first?.reason)] : [];
  return { kind: 'delivered', images, adjustments: [...missing, ...adjustments.values()], usage, requestId };
}

function missingReport(count: number, asked: number, reason: string | undefined): Adjustment {
  return { kind: 'count', detail: `${count} of ${asked} images came${reason === undefined ? '' : `: ${reason}`}` };
}

async function readPicture(call: ProviderCall, encoded: string | Uint8Array, arrival: Arrival): Promise<Picture> {
  const billed = arrival.usage !== undefined && arrival.usage.imageOutTokens > 0 ? 'yes' : 'possibly';
  const checked = call.keepEncoded ? checkEncoded(encoded) : checkDecoded(encoded);
  if (checked.kind === 'broken') return { kind: 'useless', verdict: unreadable(billed), reason: checked.reason };
  const { image } = checked;
  const wish = {
    asked: call.size.size,
    deliver: call.deliver,
    format: call.format,
    compression: call.compression,
    isCompressed: arrival.isCompressed,
  };
  // A picture that has to be changed is decoded for it, which may bring to light what walking the file could not.
  const fitted = await fitImage(image, wish).catch((error: unknown) => ({
    kind: 'undecodable' as const,
    reason: undecodable(image.format, error),
  }));
  if (fitted.kind === 'undecodable') return { kind: 'useless', verdict: unreadable(billed), reason: fitted.reason };
  if (fitted.kind === 'misfit') return { kind: 'useless', verdict: wrongGeometry(billed), reason: fitted.reason };
  return { kind: 'ready', image: fitted.image, adjustments: fitted.adjustments };
}

function checkDecoded(encoded: string | Uint8Array): Checked {
  const bytes = decodeBase64(encoded);
  return bytes === undefined ? NOT_BASE64 : checkImage(bytes);
}
