// How many plans a second: `explain` over a mix of needs, which parses, classifies and plans like every request and sends
// nothing.
import { createImageRouter, type ImageRequest } from '../../src/index.ts';

const NEEDS: readonly ImageRequest[] = [
  { prompt: 'a red fox asleep in fresh snow' },
  { prompt: 'a red fox asleep in fresh snow', policy: 'chat' },
  { prompt: 'a quick sketch of a lighthouse', policy: 'sketches', n: 4 },
  { prompt: "A poster that says 'Jazz Night, Friday 9 pm, free entry'", policy: 'poster' },
  { prompt: "A poster that says 'Jazz Night, Friday 9 pm, free entry'", latencyBudgetMs: 60_000, maxCostUsd: 0.2 },
  { prompt: 'a sign', textAccuracy: 'exact', latencyBudgetMs: 3_000 },
  { prompt: 'product photo of a blue mug on white, logo "Nordlys"', policy: 'e-commerce', size: '1536x1024', format: 'jpeg' },
  { prompt: 'hero image for a post about tide pools', policy: 'blog-cover', aspectRatio: '16:9', tier: 'premium' },
];

/** Over `seconds` of real time, after a warm-up of a fifth of it. */
export function plansPerSecond(seconds: number): number {
  const router = createImageRouter({
    endpoints: [
      { id: 'openai', provider: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k' },
      { id: 'google', provider: 'google', baseUrl: 'http://127.0.0.1:9', apiKey: 'k' },
    ],
  });
  const rateOver = (ms: number): number => {
    const startedAt = performance.now();
    let plans = 0;
    while (performance.now() - startedAt < ms) {
      for (const need of NEEDS) router.explain(need);
      plans += NEEDS.length;
    }
    return plans / ((performance.now() - startedAt) / 1_000);
  };
  rateOver(seconds * 200);
  return rateOver(seconds * 1_000);
}
