// Pictures by what they show: drawn once, kept encoded, so that a load test measures the router and not this painter.
// Bounded by bytes; the least recently used go first.
import { formatSize, type Size } from '../../domain/size.ts';
import type { ImageCall } from '../call.ts';
import type { EncodedPicture } from '../faces/google-bodies.ts';
import { type PictureWeight, renderPicture } from './render.ts';

export type PictureStore = {
  /** The picture of a call, at `size` (the call's own, unless a fault wants another). */
  picture(call: ImageCall, index: number, size: Size): Promise<EncodedPicture>;
};

/** About forty honest 1024x1024 pictures. */
const MAX_CHARACTERS = 128 * 1024 * 1024;

export function createPictureStore(weight: PictureWeight): PictureStore {
  const kept = new Map<string, Promise<EncodedPicture>>();
  const weights = new Map<string, number>();
  let held = 0;
  const forget = (key: string): void => {
    held -= weights.get(key) ?? 0;
    weights.delete(key);
    kept.delete(key);
  };
  const remember = (key: string, picture: EncodedPicture): void => {
    weights.set(key, picture.base64.length);
    held += picture.base64.length;
    for (const oldest of weights.keys()) {
      if (held <= MAX_CHARACTERS || oldest === key) break;
      forget(oldest);
    }
  };
  return {
    picture: (call, index, size) => {
      const key = [call.route.id, formatSize(size), call.format, call.compression, call.transparent, index, call.prompt].join('|');
      const known = kept.get(key);
      if (known) return known;
      const drawing = draw(call, index, size, weight);
      kept.set(key, drawing);
      drawing.then(
        (picture) => remember(key, picture),
        () => kept.delete(key),
      );
      return drawing;
    },
  };
}

async function draw(call: ImageCall, index: number, size: Size, weight: PictureWeight): Promise<EncodedPicture> {
  const { visual, text } = call.route.accuracy;
  const caption = call.quality === undefined ? call.model : `${call.model} ${call.quality}`;
  const spec = { prompt: call.prompt, index, size, transparent: call.transparent, visual, text, caption };
  const bytes = await renderPicture(spec, { format: call.format, compression: call.compression, weight });
  return { mediaType: `image/${call.format}`, base64: bytes.toString('base64') };
}
