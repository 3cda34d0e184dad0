// Brings a checked picture to the asked pixels and format, and reports in words what that cost. A picture that is
// already right is passed through byte for byte: no re-encoding, no lost metadata. A picture that would need another
// shape or many invented pixels is not repaired but refused: the caller asked for a size, not for a stretched stamp.
import type { Sharp } from 'sharp';
import { type Image, mediaTypeOf } from '../domain/image.ts';
import { aspectOf, formatSize, pixels, type Size } from '../domain/size.ts';
import type { ImageFormat } from '../domain/vocabulary.ts';
import { openPicture } from './pixels.ts';
import type { Adjustment } from './provider.ts';

export type Wish = {
  /** The size the provider was asked for. */
  readonly asked: Size;
  /** The size to deliver. */
  readonly deliver: Size;
  readonly format: ImageFormat;
  /** 0 to 100, as asked; undefined: the provider's default. */
  readonly compression: number | undefined;
  /** Whether the provider was told the compression; one that cannot be told delivers as it likes. */
  readonly isCompressed: boolean;
};

export type Fitted =
  | { readonly kind: 'fitted'; readonly image: Image; readonly adjustments: readonly Adjustment[] }
  | { readonly kind: 'misfit'; readonly reason: string };

/** Providers round sides to multiples of 8 or 16, which bends an aspect ratio by up to 1.5 %. */
const ASPECT_TOLERANCE = 0.02;
/** Sides rounded down to a multiple of 16 miss at most this much of the shortest side in use. */
const ENLARGEMENT_TOLERANCE = 1.05;
/** Where no compression was asked: not told apart from 100 by eye, at about half the bytes. */
const DEFAULT_QUALITY = 95;

/** Never enlarges beyond what the plan foresaw (`deliver` over `asked`), give or take 5 %. */
export async function fitImage(image: Image, wish: Wish): Promise<Fitted> {
  const fit = fitOf(image, wish.deliver);
  const misfit = fit === undefined ? undefined : misfitOf(image, wish);
  if (misfit !== undefined) return { kind: 'misfit', reason: misfit };
  const adjustments = [...geometryReport(image, wish.deliver, fit), ...formatReport(image, wish, fit)];
  if (fit === undefined && image.format === wish.format) return { kind: 'fitted', image, adjustments };
  const bytes = await render(image, wish, fit);
  return {
    kind: 'fitted',
    image: { bytes, format: wish.format, mediaType: mediaTypeOf(wish.format), width: wish.deliver.width, height: wish.deliver.height },
    adjustments,
  };
}

/** The picture scaled to cover the wish, before its overhang is cut away; undefined when it already has the size. */
type Fit = { readonly scale: number; readonly scaled: Size };

function fitOf(image: Size, deliver: Size): Fit | undefined {
  if (image.width === deliver.width && image.height === deliver.height) return undefined;
  const scale = Math.max(deliver.width / image.width, deliver.height / image.height);
  return { scale, scaled: { width: Math.round(image.width * scale), height: Math.round(image.height * scale) } };
}

function misfitOf(image: Size, wish: Wish): string | undefined {
  const isNear = (size: Size): boolean => Math.abs(aspectOf(image) / aspectOf(size) - 1) <= ASPECT_TOLERANCE;
  if (!isNear(wish.asked) && !isNear(wish.deliver)) return `${formatSize(image)} came, of another shape than ${formatSize(wish.asked)}`;
  const planned = Math.max(1, fitOf(wish.asked, wish.deliver)?.scale ?? 1);
  const needed = fitOf(image, wish.deliver)?.scale ?? 1;
  if (needed <= planned * ENLARGEMENT_TOLERANCE) return undefined;
  return `${formatSize(image)} came, too small for ${formatSize(wish.deliver)}`;
}

function geometryReport(image: Size, deliver: Size, fit: Fit | undefined): readonly Adjustment[] {
  if (fit === undefined) return [];
  const isScaled = formatSize(fit.scaled) !== formatSize(image);
  const isCropped = formatSize(fit.scaled) !== formatSize(deliver);
  const cutAway = (100 * (1 - pixels(deliver) / pixels(fit.scaled))).toFixed(1);
  const steps = [
    ...(isScaled ? [`${fit.scale > 1 ? 'enlarged' : 'scaled'} to ${formatSize(fit.scaled)}`] : []),
    ...(isCropped ? [`cropped to ${formatSize(deliver)} (${cutAway} % cut away)`] : []),
  ];
  return [{ kind: 'geometry', detail: `${formatSize(image)} ${steps.join(' and ')}` }];
}

function formatReport(image: Image, wish: Wish, fit: Fit | undefined): readonly Adjustment[] {
  const report = (detail: string): readonly Adjustment[] => [{ kind: 'format', detail }];
  if (image.format !== wish.format) return report(`${image.format} converted to ${wish.format}`);
  if (image.format === 'png') return [];
  if (fit !== undefined) return report(`${image.format} encoded again at quality ${qualityOf(wish)}`);
  // Encoding again only to save bytes would cost the picture more than it saves.
  const isIgnored = wish.compression !== undefined && !wish.isCompressed;
  return isIgnored ? report(`${image.format} delivered as made: compression ${wish.compression} was not applied`) : [];
}

async function render(image: Image, wish: Wish, fit: Fit | undefined): Promise<Uint8Array> {
  const source = await openPicture(image.bytes);
  const fitted = fit === undefined ? source : source.resize({ ...wish.deliver, fit: 'cover', position: 'centre', kernel: 'lanczos3' });
  return encode(fitted, wish).toBuffer();
}

function encode(picture: Sharp, wish: Wish): Sharp {
  const quality = qualityOf(wish);
  switch (wish.format) {
    case 'png':
      return picture.png();
    case 'jpeg':
      // JPEG knows no transparency, and lettering frays when colour is stored at half resolution.
      return picture.flatten({ background: 'white' }).jpeg({ quality, chromaSubsampling: '4:4:4' });
    case 'webp':
      return picture.webp({ quality, smartSubsample: true });
  }
}

function qualityOf(wish: Wish): number {
  return Math.max(1, wish.compression ?? DEFAULT_QUALITY);
}
