// Pictures by what they show: drawn once, kept encoded, so that a load test measures the router and not this painter.
// Bounded by bytes; the least recently used go first.
import { formatSize, type Size } from '../../domain/size.ts';
import type { ImageFormat } from '../../domain/vocabulary.ts';
import type { ImageCall } from '../call.ts';
import type { EncodedPicture } from '../faces/google-bodies.ts';
import { type PictureWeight, renderPartial, renderPicture } from './render.ts';

/** What may differ from what was asked, because a fault wants it. */
export type PictureWish = { readonly index: number; readonly size: Size; readonly format: ImageFormat };

export type PictureStore = {
  /** A picture of the call. Its media type is the one that was asked for, whatever the bytes are. */
  picture(call: ImageCall, wish: PictureWish): Promise<EncodedPicture>;
  /** The same as it looked at an earlier stage. */
  partial(call: ImageCall, wish: PictureWish, stage: number): Promise<EncodedPicture>;
};

/** About forty honest 1024x1024 pictures. */
const MAX_BYTES = 128 * 1024 * 1024;

export function createPictureStore(weight: PictureWeight): PictureStore {
  const kept = new Map<string, Promise<EncodedPicture>>();
  const weights = new Map<string, number>();
  let held = 0;
  const remember = (key: string, picture: EncodedPicture): void => {
    weights.set(key, picture.base64.length);
    held += picture.base64.length;
    for (const oldest of kept.keys()) {
      if (held <= MAX_BYTES || oldest === key) break;
      held -= weights.get(oldest) ?? 0;
      weights.delete(oldest);
      kept.delete(oldest);
    }
  };
  const once = (key: string, draw: () => Promise<EncodedPicture>): Promise<EncodedPicture> => {
    const known = kept.get(key);
    if (known) {
      kept.delete(key);
      kept.set(key, known);
      return known;
    }
    const drawing = draw();
    kept.set(key, drawing);
    drawing.then(
      (picture) => remember(key, picture),
      () => kept.delete(key),
    );
    return drawing;
  };
  const picture: PictureStore['picture'] = (call, wish) => once(keyOf(call, wish), () => draw(call, wish, weight));
  return {
    picture,
    partial: (call, wish, stage) =>
      once(`${keyOf(call, wish)}|partial ${stage}`, async () => {
        const finished = await picture(call, wish);
        const bytes = Buffer.from(finished.base64.toString('latin1'), 'base64');
        const options = { format: wish.format, compression: call.compression, weight };
        return encoded(call, await renderPartial(bytes, stage, wish.size, options));
      }),
  };
}

function keyOf(call: ImageCall, { index, size, format }: PictureWish): string {
  const inputs = [...call.references, call.mask].map((reference) => reference?.digest ?? '-').join(',');
  return [call.route.id, formatSize(size), format, call.compression, call.transparent, index, inputs, call.prompt].join('|');
}

async function draw(call: ImageCall, { index, size, format }: PictureWish, weight: PictureWeight): Promise<EncodedPicture> {
  const { visual, text } = call.route.accuracy;
  const { references, mask, prompt, transparent } = call;
  const caption = [call.model, call.quality, references.length > 0 ? 'edit' : undefined].filter((word) => word !== undefined).join(' ');
  const spec = { prompt, index, size, transparent, visual, text, caption };
  const edit = references.length > 0 ? { references, mask } : undefined;
  return encoded(call, await renderPicture(spec, { format, compression: call.compression, weight }, edit));
}

function encoded(call: ImageCall, bytes: Buffer): EncodedPicture {
  return { mediaType: `image/${call.format}`, base64: Buffer.from(bytes.toString('base64'), 'latin1') };
}
