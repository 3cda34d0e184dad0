import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import type { InstantMs } from '../../src/domain/time.ts';
import type { ImageCall } from '../../src/sandbox/call.ts';
import { baselineFault } from '../../src/sandbox/faults/baseline.ts';
import { fullBucket, take } from '../../src/sandbox/model/bucket.ts';
import { complexityOf, quotedTextsIn } from '../../src/sandbox/model/complexity.ts';
import { drawLatencyMs } from '../../src/sandbox/model/latency.ts';

function callOf(routeId: string, change: Partial<ImageCall> = {}): ImageCall {
  const route = builtInRoutes.find((candidate) => candidate.id === routeId);
  if (route === undefined) throw new Error(`no route ${routeId}`);
  return {
    face: 'openai',
    protocol: 'openai',
    route,
    model: route.model,
    quality: route.settings.quality,
    size: { width: 1024, height: 1024 },
    resolution: undefined,
    n: 1,
    prompt: 'a cat',
    complexity: 'normal',
    format: 'png',
    compression: undefined,
    transparent: false,
    serverTimeoutMs: undefined,
    apiVersion: 'v1',
    safetyIdentifier: undefined,
    ...change,
  };
}

function drawMany(call: ImageCall, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) =>
    drawLatencyMs({ ...call, prompt: `p${index}` }, 'brief', { seed: 1, question: `p${index}`, occurrence: 1 }),
  ).sort((a, b) => a - b);
}

describe('drawn latency', () => {
  it.each([
    ['gpt-image-2-low', 4.6, 6.8],
    ['gpt-image-2-medium', 24, 32.8],
    ['gpt-image-2-high', 195, 241],
    ['nano-banana-pro', 4.9, 7.4],
  ])('of %s has the published median and p95', (route, median, p95) => {
    const draws = drawMany(callOf(route), 4_000);
    expect((draws[2_000] ?? 0) / 1_000 / median).toBeCloseTo(1, 1);
    expect((draws[3_800] ?? 0) / 1_000 / p95).toBeCloseTo(1, 1);
  });

  it('belongs in part to the prompt: repeats of one prompt spread less than different prompts', () => {
    const call = callOf('gpt-image-2-high');
    const repeats = Array.from({ length: 400 }, (_, index) => drawLatencyMs(call, 'brief', { seed: 1, question: 'q', occurrence: index }));
    const spread = (values: readonly number[]): number => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    };
    expect(spread(repeats)).toBeLessThan(spread(drawMany(call, 400)) * 0.85);
  });

  it('of n images in one call lies between 0.7 n and 0.9 n of one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), fc.integer({ min: 1, max: 1_000 }), (images, occurrence) => {
        const key = { seed: 1, question: 'q', occurrence };
        const ratio =
          drawLatencyMs(callOf('gpt-image-2-low', { n: images }), 'brief', key) /
          drawLatencyMs(callOf('gpt-image-2-low'), 'brief', key) /
          images;
        return ratio >= 0.7 && ratio <= 0.9;
      }),
    );
  });
});

describe('a rate bucket', () => {
  const perMinute = fc.integer({ min: 1, max: 250 });

  it('grants a call that waited as told', () => {
    fc.assert(
      fc.property(perMinute, fc.integer({ min: 1, max: 250 }), (limit, wish) => {
        const images = Math.min(wish, limit);
        const emptied = take(fullBucket(limit, 0 as InstantMs), limit, 0 as InstantMs);
        const refused = take(emptied.bucket, images, 0 as InstantMs);
        return !refused.granted && take(refused.bucket, images, Math.ceil(refused.waitMs + 1e-6) as InstantMs).granted;
      }),
    );
  });

  it('never grants more than a minute holds plus what flowed in', () => {
    fc.assert(
      fc.property(
        perMinute,
        fc.array(fc.tuple(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 5_000 })), { maxLength: 60 }),
        (limit, calls) => {
          let bucket = fullBucket(limit, 0 as InstantMs);
          let now = 0;
          let granted = 0;
          for (const [images, waitMs] of calls) {
            now += waitMs;
            const taking = take(bucket, images, now as InstantMs);
            bucket = taking.bucket;
            if (taking.granted) granted += images;
          }
          return granted <= limit + (now * limit) / 60_000 + 1e-6;
        },
      ),
    );
  });
});

describe('the reading of a prompt', () => {
  it.each([
    ['say "Hello"', ['Hello']],
    ['a sign \u201cOPEN\u201d and \u00abFERM\u00c9\u00bb', ['OPEN', 'FERM\u00c9']],
    ["the shop's sign 'Bread'", ['Bread']],
    ["it's the dog's bowl", []],
    ['no lettering', []],
  ])('finds what is quoted in %j', (prompt, texts) => {
    expect(quotedTextsIn(prompt)).toEqual(texts);
  });

  it('tells a subject from a composition', () => {
    expect(complexityOf('a red apple')).toBe('simple');
    expect(complexityOf('a busy market street, with stalls and people, under colourful awnings in the rain')).toBe('normal');
    expect(complexityOf(`${'a crowded harbour with ships, sailors and crates, '.repeat(6)} "Port"`)).toBe('complex');
  });
});

describe('an ordinary day', () => {
  it.each([
    ['openai', 'gpt-image-2-low', 0.024],
    ['google', 'nano-banana-pro', 0.082],
  ] as const)('at %s has about its share of faults', (protocol, route, share) => {
    const call = callOf(route, { face: protocol, protocol });
    const faults = Array.from({ length: 20_000 }, (_, occurrence) => baselineFault(call, { seed: 1, question: 'q', occurrence })).filter(
      (rule) => rule !== undefined,
    );
    expect(faults.length / 20_000 / share).toBeCloseTo(1, 0);
    expect(new Set(faults.map((rule) => rule.fault)).size).toBeGreaterThan(5);
  });
});
