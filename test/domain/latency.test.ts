import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { type LatencyShape, normalCdf, normalQuantile, priorDistribution, shapeFactor } from '../../src/domain/latency.ts';

const square: LatencyShape = { size: { width: 1024, height: 1024 }, resolution: undefined, n: 1, references: 0, complexity: 'normal' };

function quantiles(route: string, changes: Partial<LatencyShape> = {}): (p: number) => number {
  const found = builtInRoutes.find((candidate) => candidate.id === route);
  if (found === undefined) throw new Error(`no route ${route}`);
  const prior = priorDistribution(found.latency.brief, shapeFactor(found.latency, { ...square, ...changes }));
  return (p) => prior.quantile(p) / 1_000;
}

describe('the brief, as priors', () => {
  it('puts low between 3 and 8 s, medium around 25 s, high between 150 and 235 s', () => {
    expect(quantiles('gpt-image-2-low')(0.01)).toBeGreaterThan(3);
    expect(quantiles('gpt-image-2-low')(0.99)).toBeLessThan(8.5);
    expect(quantiles('gpt-image-2-medium')(0.5)).toBeCloseTo(24, 0);
    expect(quantiles('gpt-image-2-high')(0.5)).toBeCloseTo(195, 0);
    expect(quantiles('gpt-image-2-high')(0.95)).toBeCloseTo(241, 0);
  });

  it('knows that wide pictures, several images, references and complex prompts take longer', () => {
    const base = quantiles('gpt-image-2-medium')(0.5);
    expect(quantiles('gpt-image-2-medium', { size: { width: 1536, height: 1024 } })(0.5) / base).toBeCloseTo(1.52, 2);
    expect(quantiles('gpt-image-2-medium', { n: 4 })(0.5) / base).toBeCloseTo(3.2, 2);
    expect(quantiles('gpt-image-2-medium', { references: 3 })(0.5) / base).toBeCloseTo(1.25, 2);
    expect(quantiles('gpt-image-2-high', { complexity: 'simple' })(0.5)).toBeCloseTo(101, 0);
    expect(quantiles('nano-banana-pro', { resolution: '4K' })(0.5) / quantiles('nano-banana-pro', { resolution: '1K' })(0.5)).toBeCloseTo(
      2.78,
      2,
    );
  });
});

describe('the normal distribution', () => {
  it('has the textbook values', () => {
    expect(normalCdf(1.959964)).toBeCloseTo(0.975, 5);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 5);
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
  });

  it('inverts itself', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), (p) => {
        expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 5);
      }),
    );
  });
});
