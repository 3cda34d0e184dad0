// An edit a person recognises as one: the first reference hangs in the prompt's scene like a picture on a wall, tinted by it,
// with the other references as small prints below. With a mask the reference fills the picture, and the scene shows through
// where the mask is transparent.
import sharp, { type OverlayOptions, type Sharp } from 'sharp';
import type { Size } from '../../domain/size.ts';
import type { Reference } from '../call.ts';
import { composeSheets, type PictureSpec } from './compose.ts';

/** What an edit starts from. */
export type EditInputs = { readonly references: readonly Reference[]; readonly mask: Reference | undefined };

/** Share of the picture the first reference takes, and that of each further one. */
const MAIN_SHARE = 0.72;
const PRINT_SHARE = 0.11;
/** How much of the scene's colour falls on the reference. */
const TINT_OPACITY = 0.16;

export async function drawEdit(spec: PictureSpec, raster: Size, edit: EditInputs): Promise<Sharp> {
  const sheets = composeSheets(spec, raster);
  const [first, ...others] = edit.references;
  const scene = await sharp(Buffer.from(sheets.scene)).ensureAlpha().png().toBuffer();
  const lettering = { input: Buffer.from(sheets.lettering) };
  if (first === undefined) return flattened(scene, [lettering]);
  if (edit.mask !== undefined) {
    const cover = await reading(first).resize(raster.width, raster.height, { fit: 'cover' }).ensureAlpha().png().toBuffer();
    return flattened(cover, [{ input: await insideMask(scene, edit.mask, raster) }, lettering]);
  }
  const main = await framed(first, raster, MAIN_SHARE, sheets.accent);
  const prints = await Promise.all(others.map((other) => framed(other, raster, PRINT_SHARE, sheets.accent)));
  return flattened(scene, [
    { input: main.bytes, left: Math.round((raster.width - main.width) / 2), top: Math.round((raster.height - main.height) * 0.55) },
    ...prints.map((print, index) => ({ input: print.bytes, ...printPlace(raster, print, index) })),
    lettering,
  ]);
}

async function flattened(base: Buffer, layers: readonly OverlayOptions[]): Promise<Sharp> {
  const { data, info } = await sharp(base)
    .composite([...layers])
    .raw()
    .toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

function reading(reference: Reference): Sharp {
  return sharp(reference.bytes, { limitInputPixels: false });
}

type Framed = { readonly bytes: Buffer } & Size;

/** The reference within `share` of the picture, tinted and with a border. */
async function framed(reference: Reference, raster: Size, share: number, accent: string): Promise<Framed> {
  const scale = Math.min((raster.width * share) / reference.size.width, (raster.height * share) / reference.size.height);
  const width = Math.max(1, Math.round(reference.size.width * scale));
  const height = Math.max(1, Math.round(reference.size.height * scale));
  const border = Math.max(1, Math.round(Math.min(raster.width, raster.height) * share * 0.02));
  const tint = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${accent}" fill-opacity="${TINT_OPACITY}"/><rect width="100%" height="100%" fill="none" stroke="#fdf8ec" stroke-width="${border * 2}"/></svg>`;
  const bytes = await reading(reference)
    .resize(width, height, { fit: 'fill' })
    .ensureAlpha()
    .composite([{ input: Buffer.from(tint) }])
    .png({ compressionLevel: 1 })
    .toBuffer();
  return { bytes, width, height };
}

/** From the lower left, wrapping into rows above. */
function printPlace(raster: Size, print: Size, index: number): { readonly left: number; readonly top: number } {
  const cell = Math.min(raster.width, raster.height) * (PRINT_SHARE + 0.015);
  const perRow = Math.max(1, Math.floor(raster.width / cell));
  const left = (index % perRow) * cell + cell * 0.08;
  const top = raster.height - (Math.floor(index / perRow) + 1) * cell + cell * 0.04;
  return {
    left: Math.min(raster.width - print.width, Math.max(0, Math.round(left))),
    top: Math.min(raster.height - print.height, Math.max(0, Math.round(top))),
  };
}

/** The scene, seen only where the mask is transparent. */
async function insideMask(scene: Buffer, mask: Reference, raster: Size): Promise<Buffer> {
  const hole = await reading(mask)
    .resize(raster.width, raster.height, { fit: 'cover' })
    .ensureAlpha()
    .negate({ alpha: true })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return sharp(scene)
    .composite([{ input: hole, blend: 'dest-in' }])
    .png({ compressionLevel: 1 })
    .toBuffer();
}
