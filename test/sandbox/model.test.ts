import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import type { InstantMs } from '../../src/domain/time.ts';
import type { ImageCall } from '../../src/sandbox/call.ts';
import { baselineFault } from '../../src/sandbox/faults/baseline.ts';
import { jsonParts } from '../../src/sandbox/json-parts.ts';
import { referenceTokens } from '../../src/sandbox/model/billing.ts';
import { fullBucket, take } from '../../src/sandbox/model/bucket.ts';
import { complexityOf, quotedTextsIn } from '../../src/sandbox/model/complexity.ts';
import { driftAt, hourFactor } from '../../src/sandbox/model/drift.ts';
import { incidentAt, incidentsOf } from '../../src/sandbox/model/incidents.ts';
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
    references: [],
    mask: undefined,
    stream: undefined,
    format: 'png',
    compression: undefined,
    transparent: false,
    serverTimeoutMs: undefined,
    apiVersion: 'v1',
    safetyIdentifier: undefined,
    continues: false,
    onUsedConnection: false,
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

const DAY_MS = 86_400_000;
const daysOf = (provider: 'openai' | 'google', days: number) =>
  Array.from({ length: days }, (_, day) => incidentsOf(1, `route of ${provider}`, provider, day)).flat();

describe('the incidents of a route', () => {
  it.each([
    ['openai', 1 / 20, 60],
    ['google', 1, 45],
  ] as const)('at %s come %d times a day and last a median of %i minutes', (provider, perDay, medianMinutes) => {
    const days = provider === 'openai' ? 20_000 : 2_000;
    const all = daysOf(provider, days);
    expect(all.length / days / perDay).toBeCloseTo(1, 0);
    const lengths = all.map(({ startMs, endMs }) => (endMs - startMs) / 60_000).sort((a, b) => a - b);
    expect((lengths[Math.floor(lengths.length / 2)] ?? 0) / medianMinutes).toBeCloseTo(1, 0);
  });

  it('at google begin mostly around noon', () => {
    const hours = daysOf('google', 2_000).map(({ startMs }) => (startMs % DAY_MS) / 3_600_000);
    expect(hours.filter((hour) => hour >= 10 && hour < 14).length / hours.length).toBeCloseTo(0.5, 1);
  });

  it('are one history, in whatever order it is asked for, and other for every route', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 30 * DAY_MS, noNaN: true }), { maxLength: 20 }), (moments) => {
        const ask = (order: readonly number[]) => new Map(order.map((at) => [at, incidentAt(1, 'a', 'google', at)]));
        const forwards = ask(moments);
        const backwards = ask([...moments].reverse());
        return moments.every((at) => {
          const incident = forwards.get(at);
          const within = incident === undefined || (at >= incident.startMs && at < incident.endMs);
          return within && JSON.stringify(incident) === JSON.stringify(backwards.get(at));
        });
      }),
    );
    expect(incidentsOf(1, 'a', 'google', 3)).not.toEqual(incidentsOf(1, 'b', 'google', 3));
  });
});

describe('the drift of a route', () => {
  const noise = Array.from({ length: 4_000 }, (_, minute) => Math.log(driftAt(1, 'a', 'openai', minute * 60_000)));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('spreads by 8 % and forgets over ten minutes', () => {
    const variance = mean(noise.map((value) => value ** 2));
    expect(Math.sqrt(variance)).toBeCloseTo(0.08, 1);
    const correlationOver = (minutes: number): number => mean(noise.slice(minutes).map((value, at) => value * (noise[at] ?? 0))) / variance;
    expect(correlationOver(10)).toBeGreaterThan(0.2);
    expect(correlationOver(10)).toBeLessThan(0.55);
    expect(Math.abs(correlationOver(120))).toBeLessThan(0.25);
  });

  it('moves without jumps', () => {
    for (let at = 0; at < 100; at += 1) {
      const [before, behind] = [driftAt(1, 'a', 'openai', at * 60_000 - 1), driftAt(1, 'a', 'openai', at * 60_000 + 1)];
      expect(Math.abs(before - behind)).toBeLessThan(0.001);
    }
  });

  it('of google follows the hour, from 0.9 at midnight to 1.25 at noon', () => {
    expect(hourFactor(0)).toBeCloseTo(0.9, 6);
    expect(hourFactor(12 * 3_600_000)).toBeCloseTo(1.25, 6);
  });
});

describe('the tokens of a reference', () => {
  it('lie between half of what the route expects and its ceiling, and grow with the pixels', () => {
    const spec = callOf('gpt-image-2-low').route.price;
    const side = fc.integer({ min: 1, max: 8_000 });
    fc.assert(
      fc.property(side, side, side, (width, height, more) => {
        const tokens = referenceTokens(spec, { width, height });
        return tokens >= 2300 && tokens <= 7000 && referenceTokens(spec, { width: width + more, height }) >= tokens;
      }),
    );
    expect(referenceTokens(spec, { width: 1024, height: 1024 })).toBe(4600);
    expect(referenceTokens(callOf('nano-banana-pro').route.price, { width: 9, height: 9 })).toBe(560);
  });
});

describe('JSON in pieces', () => {
  it('is the JSON of the same value with its buffers as text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.base64String(), (value, text) => {
        const parts = jsonParts({ value, picture: Buffer.from(text), list: [Buffer.from(text), undefined], absent: undefined });
        return Buffer.concat(parts).toString() === JSON.stringify({ value, picture: text, list: [text, undefined], absent: undefined });
      }),
    );
  });

  it('hands the buffers over as they are', () => {
    const picture = Buffer.from('iVBORw0KGgo=');
    expect(jsonParts({ picture })).toContain(picture);
  });
});
