// What a call uses and costs, by the vendors' own formulas and the route's price data. The ledger bills with this, so
// the router's accounting can be audited against a number it did not compute.
import type { MicroUsd } from '../../domain/money.ts';
import { costOf, imageOutputTokens, type Usage } from '../../domain/price.ts';
import type { ImageCall } from '../call.ts';
import { type DrawKey, normal, streamFor } from './draws.ts';

/** English needs about four bytes a token. */
const BYTES_PER_TOKEN = 4;
/** Field samples of Gemini's thinking: median 400 tokens, sigma 0.5 (providers.md 6.2). */
const THOUGHTS = { median: 400, sigma: 0.5 } as const;

export function usageOf(call: ImageCall, key: DrawKey): Usage {
  const textInTokens = Math.ceil(Buffer.byteLength(call.prompt) / BYTES_PER_TOKEN);
  const spec = call.route.price;
  switch (spec.kind) {
    case 'image-tokens':
      return { textInTokens, imageInTokens: 0, imageOutTokens: call.n * imageOutputTokens(spec.patches, call.size), textOutTokens: 0 };
    case 'resolution-tokens': {
      const drawn = Math.round(THOUGHTS.median * Math.exp(THOUGHTS.sigma * normal(streamFor(key, 'thoughts'))));
      const imageOutTokens = call.n * (spec.imageTokens[call.resolution ?? ''] ?? Math.max(...Object.values(spec.imageTokens)));
      return { textInTokens, imageInTokens: 0, imageOutTokens, textOutTokens: Math.min(drawn, spec.thoughtTokens.ceiling) };
    }
    case 'per-image':
      return { textInTokens, imageInTokens: 0, imageOutTokens: 0, textOutTokens: 0 };
  }
}

export function billOf(call: ImageCall, usage: Usage): MicroUsd {
  const shape = { size: call.size, resolution: call.resolution, n: call.n, promptBytes: Buffer.byteLength(call.prompt) };
  return costOf(call.route.price, shape, usage);
}
