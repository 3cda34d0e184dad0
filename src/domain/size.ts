// Picture geometry: sizes, aspect ratios, and the rules by which a provider accepts them. A rule is data, so that a
// new model joins the catalogue without code. Nothing here ever changes a size silently: it answers with a reason.
import { z } from 'zod';

/** Width and height in pixels. */
export type Size = { readonly width: number; readonly height: number };

const SIZE_PATTERN = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/;
const RATIO_PATTERN = /^([1-9]\d{0,2}):([1-9]\d{0,2})$/;

export const SizeTextSchema = z.string().regex(SIZE_PATTERN, 'must be WIDTHxHEIGHT in pixels, such as 1024x1024');
export const AspectRatioSchema = z.string().regex(RATIO_PATTERN, 'must be WIDTH:HEIGHT, such as 16:9');

/** Parses `1536x1024`; undefined when the text is not a size. */
export function parseSize(text: string): Size | undefined {
  const match = SIZE_PATTERN.exec(text);
  return match ? { width: Number(match[1]), height: Number(match[2]) } : undefined;
}

export function formatSize(size: Size): string {
  return `${size.width}x${size.height}`;
}

/** Parses `16:9` to 16 / 9; undefined when the text is not a ratio. */
export function parseAspectRatio(text: string): number | undefined {
  const match = RATIO_PATTERN.exec(text);
  return match ? Number(match[1]) / Number(match[2]) : undefined;
}

export function pixels(size: Size): number {
  return size.width * size.height;
}

export function aspectOf(size: Size): number {
  return size.width / size.height;
}

/** Sizes by arithmetic (gpt-image-2), by list (gpt-image-1.5), or by aspect ratio and resolution (Gemini). */
export const SizeRuleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('grid'),
    multiple: z.int().positive(),
    maxAspect: z.number().positive(),
    maxEdge: z.int().positive(),
    minPixels: z.int().positive(),
    maxPixels: z.int().positive(),
    /** More pixels than this are accepted, but the provider calls them experimental. */
    experimentalAbovePixels: z.int().positive(),
  }),
  z.strictObject({ kind: z.literal('list'), sizes: z.array(SizeTextSchema).min(1) }),
  z.strictObject({
    kind: z.literal('ratios'),
    /** resolution name (`1K`) -> aspect ratio (`16:9`) -> pixels (`1376x768`). */
    resolutions: z.record(z.string(), z.record(AspectRatioSchema, SizeTextSchema)),
    /** A picture may be cropped to the asked shape when the nearest ratio loses at most this fraction of it. */
    maxCropFraction: z.number().min(0).max(0.5),
  }),
]);
export type SizeRule = z.infer<typeof SizeRuleSchema>;

/** What a provider is asked for so that `size` can be delivered; `native` says that no pixel needs to be changed. */
export type SizeChoice =
  | { readonly kind: 'exact'; readonly size: Size; readonly experimental: boolean }
  | {
      readonly kind: 'ratio';
      readonly aspectRatio: string;
      readonly resolution: string;
      readonly size: Size;
      /** Share of the provider's picture that is cut away to reach the asked aspect ratio. */
      readonly cropFraction: number;
      /** Above 1 the provider's picture is enlarged: fewer true pixels than asked. */
      readonly scale: number;
    }
  | { readonly kind: 'unsupported'; readonly rule: string };

/** Chooses what to ask a provider with this rule for, or says which rule `size` breaks. Pure. */
export function chooseSize(rule: SizeRule, size: Size): SizeChoice {
  switch (rule.kind) {
    case 'grid':
      return chooseOnGrid(rule, size);
    case 'list':
      return rule.sizes.includes(formatSize(size))
        ? { kind: 'exact', size, experimental: false }
        : unsupported(`must be one of ${rule.sizes.join(', ')}`);
    case 'ratios':
      return knownRatio(rule, size);
  }
}

function unsupported(rule: string): SizeChoice {
  return { kind: 'unsupported', rule };
}

function chooseOnGrid(rule: Extract<SizeRule, { kind: 'grid' }>, size: Size): SizeChoice {
  const { width, height } = size;
  if (width % rule.multiple !== 0 || height % rule.multiple !== 0) {
    return unsupported(
      `width and height must be multiples of ${rule.multiple}; the nearest is ${formatSize(nearestOnGrid(rule.multiple, size))}`,
    );
  }
  if (Math.max(width, height) > rule.maxEdge) return unsupported(`the longest edge must be at most ${rule.maxEdge} pixels`);
  if (Math.max(aspectOf(size), 1 / aspectOf(size)) > rule.maxAspect) {
    return unsupported(`the aspect ratio must be between 1:${rule.maxAspect} and ${rule.maxAspect}:1`);
  }
  if (pixels(size) < rule.minPixels) return unsupported(`width x height must be at least ${rule.minPixels} pixels`);
  if (pixels(size) > rule.maxPixels) return unsupported(`width x height must be at most ${rule.maxPixels} pixels`);
  return { kind: 'exact', size, experimental: pixels(size) > rule.experimentalAbovePixels };
}

/** The nearest size with both sides a multiple of `multiple`, never zero. */
export function nearestOnGrid(multiple: number, size: Size): Size {
  const snap = (edge: number): number => Math.max(multiple, Math.round(edge / multiple) * multiple);
  return { width: snap(size.width), height: snap(size.height) };
}

type RatioRule = Extract<SizeRule, { kind: 'ratios' }>;
type Offered = { readonly aspectRatio: string; readonly resolution: string; readonly size: Size };

/** Every size of a rule, read from its text once: a catalogue's rules live as long as the process. */
const offeredBy = new WeakMap<RatioRule, readonly Offered[]>();

function offeredSizes(rule: RatioRule): readonly Offered[] {
  const known = offeredBy.get(rule);
  if (known !== undefined) return known;
  const offered = Object.entries(rule.resolutions).flatMap(([resolution, ratios]) =>
    Object.entries(ratios).map(([aspectRatio, text]) => ({ aspectRatio, resolution, size: parseSize(text) ?? { width: 1, height: 1 } })),
  );
  offeredBy.set(rule, offered);
  return offered;
}

/** Most requests of a program are of one size: the last question is often the next, and two dozen sizes need not be weighed again. */
const lastChosen = new WeakMap<RatioRule, { readonly size: Size; readonly choice: SizeChoice }>();

function knownRatio(rule: RatioRule, size: Size): SizeChoice {
  const last = lastChosen.get(rule);
  if (last?.size.width === size.width && last.size.height === size.height) return last.choice;
  const choice = chooseRatio(rule, size);
  lastChosen.set(rule, { size, choice });
  return choice;
}

function chooseRatio(rule: RatioRule, size: Size): SizeChoice {
  const options = offeredSizes(rule).map((offered) => ratioOption(offered, size));
  const croppable = options.filter((option) => option.cropFraction <= rule.maxCropFraction);
  if (croppable.length === 0) {
    const ratios = Object.keys(Object.values(rule.resolutions)[0] ?? {});
    return unsupported(`the aspect ratio must be near one of ${ratios.join(', ')}`);
  }
  // First the ratio that loses least; then the smallest resolution that need not be enlarged, else the largest.
  const leastCrop = Math.min(...croppable.map((option) => option.cropFraction));
  const nearest = croppable.filter((option) => option.cropFraction <= leastCrop + 0.005).sort((a, b) => b.scale - a.scale);
  const best = nearest.find((option) => option.scale <= 1) ?? nearest.at(-1);
  return best ? { kind: 'ratio', ...best } : unsupported('no size fits');
}

function ratioOption({ aspectRatio, resolution, size }: Offered, asked: Size) {
  const scale = Math.max(asked.width / size.width, asked.height / size.height);
  const cropFraction = 1 - pixels(asked) / (pixels(size) * scale * scale);
  return { aspectRatio, resolution, size, cropFraction: Math.max(0, cropFraction), scale };
}
