import { describe, expect, it } from 'vitest';
import { ERROR_CODES, ImageRouterError, isImageRouterError } from '../../src/domain/error.ts';
import { nearest, parseOrExplain } from '../../src/domain/problem.ts';
import { ImageRequestSchema } from '../../src/domain/request.ts';

function problemsOf(request: unknown): ImageRouterError['problems'] {
  try {
    parseOrExplain(ImageRequestSchema, request, 'invalid_request', 'request');
  } catch (error) {
    if (isImageRouterError(error)) return error.problems;
  }
  return [];
}

describe('a broken rule', () => {
  it.each([
    [{ prompt: 'x', n: 0 }, 'n', 'must be at least 1', '0'],
    [{ prompt: 'x', n: 1e99 }, 'n', 'must be at most 10', '1e+99'],
    [{ prompt: 'x', n: -1e99 }, 'n', 'must be at least 1', '-1e+99'],
    [{ prompt: 'x', model: '' }, 'model', 'must have at least 1 character', '""'],
    [{ prompt: 'x', referenceImages: [] }, 'referenceImages', 'must have at least 1 entry', '[]'],
    [{ prompt: 'x', n: 1.5 }, 'n', 'must be a whole number', '1.5'],
    [{ prompt: 'x', quality: 'ultra' }, 'quality', 'must be one of auto, low, medium, high', '"ultra"'],
    [{ prompt: 'x', latencyBudgetMs: -1 }, 'latencyBudgetMs', 'must be above 0', '-1'],
    [{ prompt: 'x', latencyBudgetMs: Number.NaN }, 'latencyBudgetMs', 'must be a number', 'NaN'],
    [{ prompt: 'x', size: '1920x1080' }, 'size', 'width and height must be multiples of 16; the nearest is 1920x1088', '"1920x1080"'],
    [{ prompt: 'x', compression: 80, format: 'png' }, 'compression', 'needs format jpeg or webp: png has no compression setting', '80'],
    [
      { prompt: 'x', mask: new Uint8Array(3) },
      'mask',
      'needs referenceImages: a mask says which part of the first one is redrawn',
      undefined,
    ],
    [{}, 'prompt', 'is required', undefined],
    [undefined, 'the whole', 'is required', undefined],
  ])('%o is told with field, rule and value', (request, field, rule, value) => {
    const [problem] = problemsOf(request);
    expect(problem).toMatchObject({ field, rule });
    if (value !== undefined) expect(problem?.value).toBe(value);
  });

  it('of a number is told once, by its own limit', () => {
    expect(problemsOf({ prompt: 'x', n: 1e99 })).toHaveLength(1);
  });

  it('tells all of them at once', () => {
    expect(problemsOf({ prompt: '', n: 11, tier: 'best' }).map((problem) => problem.field)).toEqual(['prompt', 'n', 'tier']);
  });

  it('names the field that was probably meant', () => {
    expect(problemsOf({ prompt: 'x', max_cost_usd: 1 })[0]).toMatchObject({ field: 'max_cost_usd', remedy: 'did you mean "maxCostUsd"?' });
    expect(nearest('latencyBudget', ['latencyBudgetMs', 'prompt'])).toBe('latencyBudgetMs');
    expect(nearest('colour', ['latencyBudgetMs', 'prompt'])).toBeUndefined();
  });

  it('never repeats a prompt or a key', () => {
    const text = JSON.stringify(problemsOf({ prompt: ` `.repeat(40), tenant: 'x y' }));
    expect(text).not.toContain('    ');
  });
});

describe('the public error', () => {
  it('is recognised across copies of the package, and maps to one status and exit code', () => {
    const error = new ImageRouterError('infeasible', 'no');
    expect(isImageRouterError(error)).toBe(true);
    expect(isImageRouterError(new Error('no'))).toBe(false);
    expect(error.httpStatus).toBe(422);
    expect(new Set(Object.values(ERROR_CODES).map((code) => code.exit)).size).toBeGreaterThan(6);
  });
});
