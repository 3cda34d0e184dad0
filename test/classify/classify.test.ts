// From request and policy to need: who is heard first, and that whatever was concluded says why.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify } from '../../src/classify/classify.ts';
import { sizeForAspect } from '../../src/classify/geometry.ts';
import type { Need, NeedField } from '../../src/domain/need.ts';
import { type Policy, PolicySchema } from '../../src/domain/policy.ts';
import { type ImageRequest, ImageRequestSchema } from '../../src/domain/request.ts';
import { aspectOf, pixels } from '../../src/domain/size.ts';
import { TEXT_ACCURACIES } from '../../src/domain/vocabulary.ts';

const base = {
  id: 'test',
  title: 'A policy for tests',
  defaults: { format: 'jpeg', compression: 85, background: 'auto', n: 1, textAccuracy: 'auto', onLate: 'degrade' },
  tiers: [
    { upToMs: 15_000, none: 'preview', some: 'preview', exact: 'preview' },
    { upToMs: 120_000, none: 'standard', some: 'standard', exact: 'standard' },
    { none: 'standard', some: 'standard', exact: 'premium' },
  ],
  patienceMs: { preview: 20_000, standard: 90_000, premium: 300_000 },
  valueUsd: 1,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'text'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.05,
  minChance: 0.2,
  priority: 5,
};

const policyWith = (defaults: Record<string, unknown> = {}): Policy =>
  PolicySchema.parse({ ...base, defaults: { ...base.defaults, ...defaults } });
const need = (request: ImageRequest, defaults: Record<string, unknown> = {}): Need =>
  classify(ImageRequestSchema.parse(request), policyWith(defaults));
const rule = (of: Need, field: NeedField): string | undefined => of.evidence.find((item) => item.field === field)?.rule;

const SIGN = 'a sign that reads "please keep off the grass"';

describe('text accuracy', () => {
  it('what the caller states always wins, whatever the prompt says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TEXT_ACCURACIES),
        fc.constantFrom('a red apple', SIGN, 'infographic on bees, no text'),
        (stated, prompt) => {
          const read = need({ prompt, textAccuracy: stated }, { textAccuracy: 'some' });
          expect(read.textAccuracy).toBe(stated);
          expect(rule(read, 'textAccuracy')).toBe('caller');
        },
      ),
    );
  });

  it('auto reads the prompt even where the policy assumes something', () => {
    expect(need({ prompt: SIGN, textAccuracy: 'auto' }, { textAccuracy: 'none' }).textAccuracy).toBe('exact');
  });

  it('what the policy assumes comes before the prompt', () => {
    const read = need({ prompt: 'a red apple' }, { textAccuracy: 'exact' });
    expect([read.textAccuracy, rule(read, 'textAccuracy')]).toEqual(['exact', 'policy']);
  });
});

describe('tier', () => {
  it.each([
    [SIGN, 10_000, 'preview', 'premium'],
    [SIGN, 15_000, 'preview', 'premium'],
    [SIGN, 15_001, 'standard', 'premium'],
    [SIGN, 600_000, 'premium', 'premium'],
    ['a red apple', 600_000, 'standard', 'standard'],
  ] as const)('%s within %i ms is %s, unhurried %s', (prompt, latencyBudgetMs, tier, unhurriedTier) => {
    expect(need({ prompt, latencyBudgetMs })).toMatchObject({ tier, unhurriedTier, budgetMs: latencyBudgetMs });
  });

  it('without a budget the last row speaks and patience is the budget', () => {
    const read = need({ prompt: SIGN });
    expect(read).toMatchObject({ tier: 'premium', unhurriedTier: 'premium', budgetMs: 300_000 });
    expect([rule(read, 'tier'), rule(read, 'budget')]).toEqual(['tier-table', 'patience']);
  });

  it.each([
    ['low', 'preview'],
    ['medium', 'standard'],
    ['high', 'premium'],
  ] as const)('quality %s is tier %s, whatever the budget', (quality, tier) => {
    const read = need({ prompt: SIGN, quality, latencyBudgetMs: 5_000 });
    expect(read).toMatchObject({ tier, unhurriedTier: tier, quality });
    expect(rule(read, 'tier')).toBe('caller');
  });

  it('a stated tier comes before the policy, the policy before its table', () => {
    expect(need({ prompt: 'a red apple', tier: 'premium' }, { tier: 'preview' }).tier).toBe('premium');
    expect(need({ prompt: SIGN }, { tier: 'preview' })).toMatchObject({ tier: 'preview', unhurriedTier: 'preview', budgetMs: 20_000 });
  });

  it('an insisted route leaves the tier to the table', () => {
    expect(need({ prompt: SIGN, route: 'gpt-image-2-low' })).toMatchObject({ tier: 'premium', route: 'gpt-image-2-low' });
  });

  it('the budget of the policy reads the table when the caller states none', () => {
    expect(need({ prompt: SIGN }, { latencyBudgetMs: 12_000 })).toMatchObject({ tier: 'preview', budgetMs: 12_000 });
  });
});

describe('geometry', () => {
  it.each([
    ['1:1', 1024, 1024],
    ['2:2', 1024, 1024],
    ['3:2', 1536, 1024],
    ['2:3', 1024, 1536],
    ['16:9', 1536, 864],
    ['9:16', 864, 1536],
  ])('%s is %ix%i', (aspectRatio, width, height) => {
    expect(need({ prompt: 'a red apple', aspectRatio }).size).toEqual({ width, height });
  });

  it('every shape up to 3:1 lies on the grid, near a megapixel, within 2 % of what was asked', () => {
    const side = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        fc.pre(width / height <= 3 && height / width <= 3);
        const size = sizeForAspect(`${width}:${height}`);
        expect(size).toBeDefined();
        if (!size) return;
        expect([size.width % 16, size.height % 16]).toEqual([0, 0]);
        expect(pixels(size)).toBeGreaterThan(1_000_000);
        expect(pixels(size)).toBeLessThanOrEqual(1_572_864);
        expect(Math.abs(aspectOf(size) / (width / height) - 1)).toBeLessThan(0.02);
      }),
    );
  });

  it('the caller comes before the policy, and auto is made explicit with a warning', () => {
    const policy = { size: '1536x1024' };
    expect(need({ prompt: 'a red apple', size: '832x832' }, policy).size).toEqual({ width: 832, height: 832 });
    expect(need({ prompt: 'a red apple', aspectRatio: '1:1' }, policy).size).toEqual({ width: 1024, height: 1024 });
    const auto = need({ prompt: 'a red apple', size: 'auto' }, policy);
    expect(auto.size).toEqual({ width: 1536, height: 1024 });
    expect(auto.warnings.map((warning) => warning.code)).toEqual(['auto-made-explicit']);
  });

  it('nobody saying a size means 1024x1024, with evidence', () => {
    const read = need({ prompt: 'a red apple' });
    expect([read.size, rule(read, 'size')]).toEqual([{ width: 1024, height: 1024 }, 'default']);
  });
});

describe('output', () => {
  it('the compression of the policy is dropped where the format has none', () => {
    expect(need({ prompt: 'a red apple' })).toMatchObject({ format: 'jpeg', compression: 85 });
    expect(need({ prompt: 'a red apple', format: 'png' }).compression).toBeUndefined();
    expect(need({ prompt: 'a red apple', format: 'webp', compression: 60 }).compression).toBe(60);
  });

  it('a transparent background is never jpeg', () => {
    const read = need({ prompt: 'a red apple', background: 'transparent' });
    expect(read).toMatchObject({ format: 'png', compression: undefined, background: 'transparent' });
    expect(rule(read, 'format')).toBe('transparency');
    expect(need({ prompt: 'a red apple', background: 'transparent', compression: 70 })).toMatchObject({ format: 'webp', compression: 70 });
  });

  it('a stated compression is never lost to a png of the policy', () => {
    expect(need({ prompt: 'a red apple', compression: 70 }, { format: 'png', compression: undefined })).toMatchObject({
      format: 'jpeg',
      compression: 70,
    });
  });
});

describe('limits', () => {
  it('a caller who would rather fail is never degraded', () => {
    expect(need({ prompt: 'a red apple' }).mayDegrade).toEqual(['tier', 'text']);
    expect(need({ prompt: 'a red apple', onLate: 'fail' }).mayDegrade).toEqual([]);
    expect(need({ prompt: 'a red apple' }, { onLate: 'fail' }).mayDegrade).toEqual([]);
    expect(need({ prompt: 'a red apple', onLate: 'degrade' }, { onLate: 'fail' }).mayDegrade).toEqual(['tier', 'text']);
  });

  it('the cap of the caller comes before that of the policy, and no cap stays no cap', () => {
    expect(need({ prompt: 'a red apple', maxCostUsd: 0.2 }, { maxCostUsd: 0.05 }).maxCost).toBe(200_000);
    expect(need({ prompt: 'a red apple' }, { maxCostUsd: 0.05 }).maxCost).toBe(50_000);
    expect(need({ prompt: 'a red apple' }).maxCost).toBeUndefined();
  });
});

describe('advice for premium', () => {
  const filler = 'very soft light falls slowly and gently over everything while a calm mood stays. '.repeat(18);
  const codes = (of: Need): readonly string[] => of.warnings.map((warning) => warning.code);

  it('long prompts are warned about on premium only', () => {
    expect(codes(need({ prompt: filler, tier: 'premium' }))).toContain('prompt-too-long');
    expect(codes(need({ prompt: filler, tier: 'standard' }))).toEqual([]);
  });

  it('lettering that comes late is warned about', () => {
    const late = `${filler.slice(0, 420)} A sign reads "fresh bread".`;
    expect(codes(need({ prompt: late, tier: 'premium' }))).toContain('core-elements-late');
    expect(codes(need({ prompt: `A sign reads "fresh bread". ${filler.slice(0, 420)}`, tier: 'premium' }))).toEqual([]);
  });
});

describe('laws', () => {
  it('any accepted prompt has a need that explains its tier, text and complexity', () => {
    const prompt = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }).filter((text) => text.trim().length > 0);
    fc.assert(
      fc.property(prompt, fc.option(fc.integer({ min: 1, max: 86_400_000 }), { nil: undefined }), (text, latencyBudgetMs) => {
        const read = need({ prompt: text, latencyBudgetMs });
        for (const field of ['textAccuracy', 'complexity', 'tier', 'size', 'format'] as const) expect(rule(read, field)).toBeDefined();
        expect(read.budgetMs).toBeGreaterThan(0);
        expect(need({ prompt: text, latencyBudgetMs })).toEqual(read);
      }),
    );
  });
});

describe('a prompt that is read again', () => {
  it('is read as before, whatever was done to what was read first', () => {
    const prompt = 'a poster that says "OPEN"';
    const first = need({ prompt });
    const before = JSON.stringify(first.evidence);
    for (const item of first.evidence) Reflect.set(item, 'detail', 'mine');
    expect(JSON.stringify(need({ prompt }).evidence)).toBe(before);
  });
});

describe('what auto stands for', () => {
  it('is made explicit, and said so', () => {
    const read = need({ prompt: 'a red apple', size: 'auto', quality: 'auto' });
    expect(read.quality).toBeUndefined();
    expect(read.warnings.map((warning) => warning.detail)).toEqual([
      'size auto was made 1024x1024',
      'quality auto was made the standard tier',
    ]);
  });
});

describe('a size above 2560x1440', () => {
  it('is allowed, with the warning that providers call it experimental', () => {
    expect(need({ prompt: 'a red apple', size: '3840x2160' }).warnings[0]?.code).toBe('experimental-size');
    expect(need({ prompt: 'a red apple', size: '2560x1440' }).warnings).toEqual([]);
  });
});
