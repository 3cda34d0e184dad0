// What a call costs, computed from price data alone. Price tables of vendors and resellers disagree and change, so a
// price is data with a source and a date, and a new one is an edit of routes/ or of the user's configuration.
import { z } from 'zod';
import { type MicroUsd, microUsd } from './money.ts';
import { formatSize, type Size } from './size.ts';

const TokenRangeSchema = z.strictObject({ expected: z.int().min(0), ceiling: z.int().min(0) });

export const PriceSpecSchema = z.discriminatedUnion('kind', [
  /** OpenAI image tokens: output tokens follow from size and quality, text and image input by the token. */
  z.strictObject({
    kind: z.literal('image-tokens'),
    /** Patches along the longest edge: 16 low, 48 medium, 96 high for gpt-image-2. */
    patches: z.int().positive(),
    textInUsdPerMillion: z.number().min(0),
    imageInUsdPerMillion: z.number().min(0),
    imageOutUsdPerMillion: z.number().min(0),
    /** Input tokens of one reference image: what to expect and what to reserve. */
    referenceTokens: TokenRangeSchema,
    /** Output tokens that one interim picture adds to a streamed call. */
    partialTokens: z.int().min(0),
    source: z.string().min(1),
    asOf: z.iso.date(),
  }),
  /** Gemini: a fixed token count per resolution, plus the thinking it does first. */
  z.strictObject({
    kind: z.literal('resolution-tokens'),
    imageTokens: z.record(z.string(), z.int().positive()),
    imageOutUsdPerMillion: z.number().min(0),
    textInUsdPerMillion: z.number().min(0),
    textOutUsdPerMillion: z.number().min(0),
    /** Thinking tokens of one call: what to expect and what to reserve. */
    thoughtTokens: TokenRangeSchema,
    /** Input tokens of one reference image. */
    referenceTokens: TokenRangeSchema,
    source: z.string().min(1),
    asOf: z.iso.date(),
  }),
  /** A flat price per image, as resellers charge, by size where it differs. */
  z.strictObject({
    kind: z.literal('per-image'),
    usd: z.number().min(0),
    usdBySize: z.record(z.string(), z.number().min(0)).optional(),
    source: z.string().min(1),
    asOf: z.iso.date(),
  }),
]);
export type PriceSpec = z.infer<typeof PriceSpecSchema>;

/** What decides the price of one call. `resolution` is the provider's own name (`2K`) when it has one. */
export type PriceShape = {
  readonly size: Size;
  readonly resolution: string | undefined;
  readonly n: number;
  readonly references: number;
  /** Interim pictures asked for while the call runs. */
  readonly partials: number;
  readonly promptBytes: number;
};

/** `expected` goes into plans and tables, `ceiling` is what a price cap and a reservation must leave room for. */
export type Price = { readonly expected: MicroUsd; readonly ceiling: MicroUsd };

/** Token counts as a provider reports them with an image. */
export type Usage = {
  readonly textInTokens: number;
  readonly imageInTokens: number;
  readonly imageOutTokens: number;
  readonly textOutTokens: number;
};

/** English needs about 4 bytes a token. A byte-level tokeniser never makes more tokens than bytes, and digits come close. */
const EXPECTED_BYTES_PER_TOKEN = 4;
const FEWEST_BYTES_PER_TOKEN = 1;
/** Providers add a few tokens of their own around a prompt. */
const FRAME_TOKENS = 16;

/**
 * Output tokens of one image. A fit, exact on the nine published points of gpt-image-2, extrapolated elsewhere.
 * Not monotone in size: 1536x1024 costs less than 1024x1024.
 */
export function imageOutputTokens(patches: number, size: Size): number {
  const long = Math.max(size.width, size.height);
  const short = Math.min(size.width, size.height);
  const across = Math.round((patches * short) / long);
  return Math.ceil((patches * across * (2_000_000 + size.width * size.height)) / 4_000_000);
}

/** The price of one call before it is made. */
export function priceOf(spec: PriceSpec, shape: PriceShape): Price {
  const promptTokens = Math.ceil(shape.promptBytes / EXPECTED_BYTES_PER_TOKEN);
  const mostPromptTokens = Math.ceil(shape.promptBytes / FEWEST_BYTES_PER_TOKEN) + FRAME_TOKENS;
  const estimate = (textInTokens: number, bound: 'expected' | 'ceiling'): MicroUsd =>
    costOf(spec, shape, {
      textInTokens,
      textOutTokens: spec.kind === 'resolution-tokens' ? shape.n * spec.thoughtTokens[bound] : 0,
      imageInTokens: spec.kind === 'per-image' ? 0 : shape.references * spec.referenceTokens[bound],
      imageOutTokens: outputTokens(spec, shape),
    });
  return { expected: estimate(promptTokens, 'expected'), ceiling: estimate(mostPromptTokens, 'ceiling') };
}

function outputTokens(spec: PriceSpec, shape: PriceShape): number {
  switch (spec.kind) {
    case 'image-tokens':
      return shape.n * imageOutputTokens(spec.patches, shape.size) + shape.partials * spec.partialTokens;
    case 'resolution-tokens':
      return shape.n * (spec.imageTokens[shape.resolution ?? ''] ?? Math.max(...Object.values(spec.imageTokens)));
    case 'per-image':
      return 0;
  }
}

/**
 * The cost of a delivered call whose provider reported `usage`. Some relays leave image tokens out, or count them as text:
 * an image that was delivered is never taken for free.
 */
export function deliveredCostOf(spec: PriceSpec, shape: PriceShape, usage: Usage): MicroUsd {
  return costOf(spec, shape, usage.imageOutTokens > 0 ? usage : { ...usage, imageOutTokens: outputTokens(spec, shape) });
}

/** What a call really cost, from the usage its provider reported. */
export function costOf(spec: PriceSpec, shape: PriceShape, usage: Usage): MicroUsd {
  switch (spec.kind) {
    case 'image-tokens':
      return microUsd(
        (usage.textInTokens * spec.textInUsdPerMillion +
          usage.imageInTokens * spec.imageInUsdPerMillion +
          usage.imageOutTokens * spec.imageOutUsdPerMillion) /
          1_000_000,
      );
    case 'resolution-tokens':
      return microUsd(
        (usage.textInTokens * spec.textInUsdPerMillion +
          usage.imageInTokens * spec.textInUsdPerMillion +
          usage.textOutTokens * spec.textOutUsdPerMillion +
          usage.imageOutTokens * spec.imageOutUsdPerMillion) /
          1_000_000,
      );
    case 'per-image':
      return microUsd(shape.n * (spec.usdBySize?.[formatSize(shape.size)] ?? spec.usd));
  }
}
