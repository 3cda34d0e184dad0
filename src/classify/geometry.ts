// Turns what a caller said about shape into pixels. One megapixel, because the brief's practice is that 1024x1024 is right
// for 95 % of requests and that larger is not better; the two 1536 shapes are the provider's own landscape and portrait.
import { parseAspectRatio, parseSize, type Size } from '../domain/size.ts';

/** Shapes with a customary size; the others are computed. */
const CUSTOMARY: ReadonlyMap<string, Size> = new Map([
  ['1:1', { width: 1024, height: 1024 }],
  ['3:2', { width: 1536, height: 1024 }],
  ['2:3', { width: 1024, height: 1536 }],
  ['16:9', { width: 1536, height: 864 }],
  ['9:16', { width: 864, height: 1536 }],
]);
/** Pixels of a computed size: between 1024x1024 (1.05 Mpx) and 1536x1024 (1.57 Mpx), priced like the former or a little above. */
const TARGET_PIXELS = 1_310_720;
/** gpt-image-2 takes multiples of 16 only. */
const GRID = 16;

/** Right for most requests, says the brief. */
const DEFAULT_SIZE: Size = { width: 1024, height: 1024 };

/** `16:9` or `32:18` to pixels on the grid; undefined when the text is not a ratio. */
export function sizeForAspect(text: string): Size | undefined {
  const ratio = parseAspectRatio(text);
  if (ratio === undefined) return undefined;
  for (const [name, size] of CUSTOMARY) {
    if (Math.abs((parseAspectRatio(name) ?? 0) - ratio) < 1e-9) return size;
  }
  return nearestToRatio(ratio);
}

/** The size on the grid, near the target, whose shape is closest to `ratio`: rounding one side is made good by the other. */
function nearestToRatio(ratio: number): Size {
  const ideal = Math.sqrt(TARGET_PIXELS * ratio);
  const steps = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
  const sizes = steps.map((step) => {
    const width = snap(ideal + step * GRID);
    return { width, height: snap(width / ratio) };
  });
  const error = (size: Size): number => Math.abs(Math.log(size.width / size.height / ratio));
  return sizes.reduce((best, size) => (error(size) < error(best) - 1e-9 ? size : best));
}

function snap(edge: number): number {
  return Math.max(GRID, Math.round(edge / GRID) * GRID);
}

/** The first of the given shapes that says something, with who said it. `auto` says nothing. */
export function chooseShape(
  request: { readonly size?: string | undefined; readonly aspectRatio?: string | undefined },
  defaults: { readonly size?: string | undefined; readonly aspectRatio?: string | undefined },
): { readonly size: Size; readonly rule: 'caller' | 'policy' | 'default'; readonly said: string } {
  const ladder = [
    { size: request.size, aspectRatio: request.aspectRatio, rule: 'caller' },
    { size: defaults.size, aspectRatio: defaults.aspectRatio, rule: 'policy' },
  ] as const;
  for (const step of ladder) {
    const fixed = step.size === undefined ? undefined : parseSize(step.size);
    if (fixed && step.size !== undefined) return { size: fixed, rule: step.rule, said: step.size };
    const shaped = step.aspectRatio === undefined ? undefined : sizeForAspect(step.aspectRatio);
    if (shaped && step.aspectRatio !== undefined) return { size: shaped, rule: step.rule, said: step.aspectRatio };
  }
  return { size: DEFAULT_SIZE, rule: 'default', said: 'nothing' };
}
