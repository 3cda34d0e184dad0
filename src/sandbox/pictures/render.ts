// From SVG to a file: rasterise, give it the weight of a real one, encode. A vector scene compresses to a tenth of what
// image models return, so honest pictures get a film grain of known strength; light ones skip it and are drawn at a sixth of
// the pixels; tiny ones are one colour, a kilobyte for a benchmark that must not measure bytes.
import sharp, { type Sharp } from 'sharp';
import { pixels, type Size } from '../../domain/size.ts';
import type { ImageFormat } from '../../domain/vocabulary.ts';
import { hash32, seededRandom } from '../../system/random.ts';
import { composePicture, type PictureSpec, pictureMark } from './compose.ts';
import { drawEdit, type EditInputs } from './edit.ts';

export type PictureWeight = 'honest' | 'light' | 'tiny';

export type RenderOptions = { readonly format: ImageFormat; readonly compression: number | undefined; readonly weight: PictureWeight };

/** Rasters above this are drawn smaller and enlarged: librsvg costs time by the pixel, and nobody counts leaves at 4K. */
const LARGEST_RASTER_PIXELS = 2_400_000;

/** `edit` is undefined for a picture drawn from its prompt alone. */
export async function renderPicture(spec: PictureSpec, options: RenderOptions, edit?: EditInputs): Promise<Buffer> {
  const mark = { IFD0: { ImageDescription: pictureMark(spec) } };
  if (options.weight === 'tiny') return encode(plain(spec).withExif(mark), options).toBuffer();
  const raster = rasterSize(spec, options.weight);
  const drawn = edit === undefined ? sharp(Buffer.from(composePicture(spec, raster)), UNLIMITED) : await drawEdit(spec, raster, edit);
  const sized =
    raster.width === spec.size.width && raster.height === spec.size.height
      ? drawn
      : drawn.resize(spec.size.width, spec.size.height, { fit: 'fill', kernel: 'linear' });
  const flat = spec.transparent ? sized.ensureAlpha() : sized.removeAlpha();
  const grained = options.weight === 'honest' ? await withGrain(flat) : flat;
  return encode(grained.withExif(mark), options).toBuffer();
}

const UNLIMITED = { limitInputPixels: false, unlimited: true } as const;

function plain(spec: PictureSpec): Sharp {
  const color = hash32(`${spec.prompt}|${spec.index}`);
  const background = { r: color & 255, g: (color >> 8) & 255, b: (color >> 16) & 255, alpha: spec.transparent ? 0.5 : 1 };
  return sharp({ create: { ...spec.size, channels: spec.transparent ? 4 : 3, background } });
}

/** Columns of a partial image, by how far the work had come: what a person sees sharpen. */
const PARTIAL_COLUMNS = [24, 56, 120] as const;

/** The finished file as it looked earlier: same size and format, coarse. */
export async function renderPartial(finished: Buffer, stage: number, size: Size, options: RenderOptions): Promise<Buffer> {
  const columns = Math.min(size.width, PARTIAL_COLUMNS[stage] ?? 120);
  const coarse = await sharp(finished, UNLIMITED).resize({ width: columns }).png().toBuffer();
  return encode(sharp(coarse).resize(size.width, size.height, { fit: 'fill', kernel: 'cubic' }), options).toBuffer();
}

function rasterSize(spec: PictureSpec, weight: PictureWeight): Size {
  const count = pixels(spec.size);
  const most = weight === 'light' ? count / 6 : LARGEST_RASTER_PIXELS;
  const scale = Math.min(1, Math.sqrt(most / count));
  return { width: Math.max(1, Math.round(spec.size.width * scale)), height: Math.max(1, Math.round(spec.size.height * scale)) };
}

/** Grain of +-2.5 levels: 1024x1024 then weighs 1.5 to 2.3 MB as PNG, like the real thing (field reports). */
const GRAIN_LEVELS = 2.5;
const GRAIN_LENGTH = 1 << 16;
const GRAIN: Int8Array = Int8Array.from({ length: GRAIN_LENGTH }, grainSource());

function grainSource(): () => number {
  const random = seededRandom('grain');
  return () => Math.round((random.next() + random.next() - 1) * GRAIN_LEVELS);
}

async function withGrain(image: Sharp): Promise<Sharp> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const { channels } = info;
  const bytes = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  for (let at = 0, grain = 0; at < bytes.length; at += 1) {
    if (channels === 4 && at % 4 === 3) continue;
    // A step coprime to the table's length and a jump per wrap keep the eye from seeing a pattern.
    grain = (grain + 1 + ((at >> 16) & 7) * 2) & (GRAIN_LENGTH - 1);
    bytes[at] = (bytes[at] ?? 0) + (GRAIN[grain] ?? 0);
  }
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

function encode(image: Sharp, { format, compression, weight }: RenderOptions): Sharp {
  const honest = weight === 'honest';
  switch (format) {
    case 'png':
      if (weight === 'tiny') return image.png({ palette: true, colours: 2, compressionLevel: 9 });
      return image.png({ compressionLevel: honest ? 1 : 3, adaptiveFiltering: false });
    case 'jpeg':
      return image.jpeg({ quality: Math.max(1, compression ?? (honest ? 99 : 80)), chromaSubsampling: honest ? '4:4:4' : '4:2:0' });
    case 'webp':
      return image.webp({ quality: Math.max(1, compression ?? 90), effort: 0 });
  }
}
