// What a call uses and costs, by the vendors' own formulas and the route's price data. The ledger bills with this, so
// the router's accounting can be audited against a number it did not compute.
import type { MicroUsd } from '../../domain/money.ts';
import { costOf, imageOutputTokens, type PriceSpec, type Usage } from '../../domain/price.ts';
import { pixels, type Size } from '../../domain/size.ts';
import type { ImageCall } from '../call.ts';
import { type DrawKey, normal, streamFor } from './draws.ts';

/** English needs about four bytes a token. */
const BYTES_PER_TOKEN = 4;
/** Field samples of Gemini's thinking: median 400 tokens, sigma 0.5 (field reports). */
const THOUGHTS = { median: 400, sigma: 0.5 } as const;

export function usageOf(call: ImageCall, key: DrawKey): Usage {
  const textInTokens = Math.ceil(Buffer.byteLength(call.prompt) / BYTES_PER_TOKEN);
  const imageInTokens = call.references.reduce((sum, reference) => sum + referenceTokens(call.route.price, reference.size), 0);
  const spec = call.route.price;
  switch (spec.kind) {
    case 'image-tokens': {
      const partials = spec.partialTokens * (call.stream?.partialImages ?? 0);
      return {
        textInTokens,
        imageInTokens,
        imageOutTokens: call.n * (imageOutputTokens(spec.patches, call.size) + partials),
        textOutTokens: 0,
      };
    }
    case 'resolution-tokens': {
      const drawn = Math.round(THOUGHTS.median * Math.exp(THOUGHTS.sigma * normal(streamFor(key, 'thoughts'))));
      const imageOutTokens = call.n * (spec.imageTokens[call.resolution ?? ''] ?? Math.max(...Object.values(spec.imageTokens)));
      return { textInTokens, imageInTokens, imageOutTokens, textOutTokens: Math.min(drawn, spec.thoughtTokens.ceiling) };
    }
    case 'per-image':
      return { textInTokens, imageInTokens, imageOutTokens: 0, textOutTokens: 0 };
  }
}

const SQUARE_PIXELS = 1024 * 1024;

/**
 * Input tokens of one reference. OpenAI publishes no formula: what the route expects at 1024x1024, growing slowly with the
 * pixels, because the vendor scales a picture down before it reads it. Gemini counts every picture alike.
 */
export function referenceTokens(spec: PriceSpec, size: Size): number {
  if (spec.kind === 'per-image') return 0;
  const { expected, ceiling } = spec.referenceTokens;
  if (spec.kind === 'resolution-tokens') return expected;
  const grown = expected * (pixels(size) / SQUARE_PIXELS) ** 0.25;
  return Math.round(Math.min(ceiling, Math.max(expected / 2, grown)));
}

export function billOf(call: ImageCall, usage: Usage): MicroUsd {
  const { size, resolution, n, prompt, references } = call;
  const partials = n * (call.stream?.partialImages ?? 0);
  const shape = { size, resolution, n, references: references.length, partials, promptBytes: Buffer.byteLength(prompt) };
  return costOf(call.route.price, shape, usage);
}
