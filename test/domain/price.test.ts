import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { dollars, formatUsd, microUsd } from '../../src/domain/money.ts';
import { costOf, imageOutputTokens, type PriceShape, priceOf } from '../../src/domain/price.ts';
import { parseSize } from '../../src/domain/size.ts';

const PATCHES = { low: 16, medium: 48, high: 96 } as const;

const shapeOf = (size: string, changes: Partial<PriceShape> = {}): PriceShape => ({
  size: parseSize(size) ?? { width: 0, height: 0 },
  resolution: undefined,
  n: 1,
  references: 0,
  partials: 0,
  promptBytes: 0,
  ...changes,
});

function priceSpec(route: string) {
  const found = builtInRoutes.find((candidate) => candidate.id === route);
  if (found === undefined) throw new Error(`no route ${route}`);
  return found.price;
}

describe('output tokens of gpt-image-2', () => {
  // The published points; size, then tokens at low, medium and high.
  it.each([
    ['1024x768', 134, 1204, 4815],
    ['1024x1024', 196, 1756, 7024],
    ['1536x864', 120, 1078, 4312],
    ['1536x1024', 158, 1372, 5488],
    ['1024x1536', 158, 1372, 5488],
    ['2048x2048', 397, 3568, 14272],
    ['2560x1440', 205, 1843, 7370],
    ['3840x2160', 371, 3336, 13342],
  ])('%s costs what was published', (text, low, medium, high) => {
    const size = parseSize(text) ?? { width: 0, height: 0 };
    expect([PATCHES.low, PATCHES.medium, PATCHES.high].map((patches) => imageOutputTokens(patches, size))).toEqual([low, medium, high]);
  });
});

describe('a price', () => {
  it('is that of the brief at 1024x1024', () => {
    const at = (route: string): number => dollars(priceOf(priceSpec(route), shapeOf('1024x1024')).expected);
    expect(at('gpt-image-2-low')).toBeCloseTo(0.006, 3);
    expect(at('gpt-image-2-medium')).toBeCloseTo(0.053, 3);
    expect(at('gpt-image-2-high')).toBeCloseTo(0.211, 3);
  });

  it('of nano-banana-pro is the list price plus its thinking', () => {
    const price = priceOf(priceSpec('nano-banana-pro'), shapeOf('1024x1024', { resolution: '1K' }));
    expect(dollars(price.expected)).toBeCloseTo(0.1344 + 0.0054, 4);
    expect(dollars(price.ceiling)).toBeCloseTo(0.1344 + 0.024, 3);
  });

  it('counts reference images, and has room for dear ones', () => {
    const plain = priceOf(priceSpec('gpt-image-2-medium'), shapeOf('1024x1024'));
    const edit = priceOf(priceSpec('gpt-image-2-medium'), shapeOf('1024x1024', { references: 2 }));
    expect(edit.expected).toBeGreaterThan(plain.expected);
    expect(edit.ceiling - plain.ceiling).toBeGreaterThan(edit.expected - plain.expected);
  });

  it('is never below what the provider then reports within its ranges', () => {
    const routes = builtInRoutes.map((route) => route.id);
    fc.assert(
      fc.property(
        fc.constantFrom(...routes),
        fc.integer({ min: 0, max: 32_000 }),
        fc.integer({ min: 1, max: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (route, promptBytes, n, share) => {
          const spec = priceSpec(route);
          const shape = shapeOf('1024x1024', { promptBytes, n, resolution: '1K' });
          const { ceiling } = priceOf(spec, shape);
          const thoughts = spec.kind === 'resolution-tokens' ? n * spec.thoughtTokens.ceiling : 0;
          const imageOutTokens = spec.kind === 'image-tokens' ? n * imageOutputTokens(spec.patches, shape.size) : n * 1120;
          const textInTokens = Math.ceil(promptBytes * share);
          expect(
            costOf(spec, shape, { textInTokens, imageInTokens: 0, imageOutTokens, textOutTokens: thoughts * share }),
          ).toBeLessThanOrEqual(ceiling);
        },
      ),
    );
  });

  it('a reseller charges per image is flat, by size where it says so', () => {
    const spec = { kind: 'per-image', usd: 0.09, usdBySize: { '1536x1024': 0.12 }, source: 'relay', asOf: '2026-11-01' } as const;
    expect(dollars(priceOf(spec, shapeOf('1024x1024', { n: 2 })).ceiling)).toBe(0.18);
    expect(dollars(priceOf(spec, shapeOf('1536x1024')).expected)).toBe(0.12);
  });
});

describe('money', () => {
  it('never understates: dollars become whole millionths, rounded up', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1_000, noNaN: true }), (value) => {
        const amount = microUsd(value);
        expect(Number.isInteger(amount)).toBe(true);
        expect(dollars(amount)).toBeGreaterThanOrEqual(value - 1e-11);
        expect(dollars(amount)).toBeLessThan(value + 1e-6);
      }),
    );
    expect(microUsd(0.1 + 0.2)).toBe(300_000);
  });

  it.each([
    [0, '$0.00'],
    [1, '$0.000001'],
    [120, '$0.00012'],
    [999, '$0.000999'],
    [1_000, '$0.001'],
    [5_910, '$0.0059'],
    [134_000, '$0.134'],
    [500_000, '$0.50'],
    [12_400_000, '$12.40'],
  ])('%d millionths read %s', (amount, text) => {
    expect(formatUsd(microUsd(amount / 1e6))).toBe(text);
  });

  it('an amount that is not nothing never reads as nothing', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10_000_000 }), (amount) => /[1-9]/.test(formatUsd(microUsd(amount / 1e6)))));
  });
});
