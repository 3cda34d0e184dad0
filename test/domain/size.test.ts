import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { REQUEST_SIZES } from '../../src/domain/request.ts';
import { chooseSize, formatSize, nearestOnGrid, parseAspectRatio, parseSize, pixels, type SizeRule } from '../../src/domain/size.ts';

const gemini = builtInRoutes.find((route) => route.id === 'nano-banana-pro')?.capabilities.sizes as SizeRule;
const size = (text: string) => parseSize(text) ?? { width: 1, height: 1 };

describe('the grid of gpt-image-2', () => {
  it.each([
    ['1920x1080', 'multiples of 16'],
    ['4096x2048', 'longest edge'],
    ['3072x512', 'aspect ratio'],
    ['512x512', 'at least 655360'],
    ['3840x3840', 'at most 8294400'],
    ['800x800', 'at least 655360'],
  ])('refuses %s and says why', (text, rule) => {
    const choice = chooseSize(REQUEST_SIZES, size(text));
    expect(choice.kind === 'unsupported' && choice.rule).toContain(rule);
  });

  it.each(['1024x1024', '1536x1024', '816x816', '1920x1088', '2560x1440'])('takes %s as it is', (text) => {
    expect(chooseSize(REQUEST_SIZES, size(text))).toMatchObject({ kind: 'exact', experimental: false });
  });

  it('calls sizes above 2560x1440 experimental', () => {
    expect(chooseSize(REQUEST_SIZES, size('3840x2160'))).toMatchObject({ kind: 'exact', experimental: true });
  });

  it('names the nearest size that fits it', () => {
    expect(formatSize(nearestOnGrid(16, size('1920x1080')))).toBe('1920x1088');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 5_000 }), (width, height) => {
        const near = nearestOnGrid(16, { width, height });
        expect([near.width % 16, near.height % 16]).toEqual([0, 0]);
        expect(near.width * near.height).toBeGreaterThan(0);
      }),
    );
  });
});

describe('aspect ratios of Gemini', () => {
  it.each([
    ['1024x1024', '1:1', '1K'],
    ['1536x1024', '3:2', '2K'],
    ['1024x1536', '2:3', '2K'],
    ['1920x1088', '16:9', '2K'],
    ['2560x1440', '16:9', '2K'],
    ['3840x2160', '16:9', '4K'],
  ])('%s is asked for as %s at %s', (text, aspectRatio, resolution) => {
    expect(chooseSize(gemini, size(text))).toMatchObject({ kind: 'ratio', aspectRatio, resolution });
  });

  it('never turn a wide picture into a square one: a shape too far from every ratio is refused', () => {
    expect(chooseSize(gemini, size('3072x1024'))).toMatchObject({ kind: 'unsupported' });
    fc.assert(
      fc.property(fc.integer({ min: 41, max: 240 }), fc.integer({ min: 41, max: 240 }), (w, h) => {
        const asked = { width: w * 16, height: h * 16 };
        const choice = chooseSize(gemini, asked);
        if (choice.kind !== 'ratio') return;
        expect(choice.cropFraction).toBeLessThanOrEqual(0.08 + 1e-9);
        const kept = pixels(asked) / (pixels(choice.size) * choice.scale ** 2);
        expect(1 - kept).toBeCloseTo(choice.cropFraction, 6);
      }),
    );
  });
});

describe('parsing', () => {
  it('takes sizes and ratios, and nothing that only looks like one', () => {
    expect(parseSize('1536x1024')).toEqual({ width: 1536, height: 1024 });
    expect(parseAspectRatio('16:9')).toBeCloseTo(1.778, 3);
    for (const text of ['1536', '0x10', '1536 x 1024', '1e3x1024', '-1x1', '']) expect(parseSize(text)).toBeUndefined();
  });
});
