import { describe, expect, it } from 'vitest';
import { builtInPolicies } from '../policies/index.ts';
import { builtInRoutes } from '../routes/index.ts';
import { parseCatalog } from '../src/domain/catalog.ts';
import { isImageRouterError } from '../src/domain/error.ts';
import { RouteSchema } from '../src/domain/route.ts';
import { createImageRouter, type RouterOptions } from '../src/index.ts';
import { resolveOptions } from '../src/options.ts';

const openai = { id: 'openai', provider: 'openai', baseUrl: 'https://api.openai.com/v1', apiKey: 'sk-secret-value' } as const;

function problemsOf(options: unknown): readonly { readonly field: string; readonly remedy: string | undefined }[] {
  try {
    resolveOptions(options);
    return [];
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    expect(error.code).toBe('invalid_config');
    expect(`${error.message} ${JSON.stringify(error.problems)}`).not.toContain('sk-secret-value');
    return error.problems;
  }
}

describe('options', () => {
  it.each([
    [{}, 'endpoints'],
    [{ endpoints: [] }, 'endpoints'],
    [{ endpoints: [{ ...openai, baseUrl: 'api.openai.com' }] }, 'endpoints.0.baseUrl'],
    [{ endpoints: [{ ...openai, baseUrl: 'ftp://x' }] }, 'endpoints.0.baseUrl'],
    [{ endpoints: [{ ...openai, apiKey: '' }] }, 'endpoints.0.apiKey'],
    [{ endpoints: [{ ...openai, apiKey: undefined }] }, 'endpoints.0.apiKey'],
    [{ endpoints: [{ ...openai, modles: {} }] }, 'endpoints.0.modles'],
    [{ endpoints: [openai, openai] }, 'endpoints.1.id'],
    [{ endpoints: [{ ...openai, routes: ['nano-banana-pro'] }] }, 'endpoints.0.routes'],
    [{ endpoints: [{ ...openai, models: { 'gpt-image-2-lo': 'x' } }] }, 'endpoints.0.models'],
    [{ endpoints: [openai], defaultPolicy: 'chatt' }, 'defaultPolicy'],
    [{ endpoints: [openai], speed: 0 }, 'speed'],
    [{ endpoints: [openai], latencyProfile: 'slow' }, 'latencyProfile'],
  ])('%j are refused at the right field, with a remedy and without the key', (options, field) => {
    const problems = problemsOf(options);
    expect(problems[0]?.field).toBe(field);
    expect(problems[0]?.remedy).toBeTruthy();
  });

  it('refuse an unknown newer setting of a route by name', () => {
    const [low] = builtInRoutes;
    const route = { ...low, id: 'gpt-image-3', settings: { quality: 'low', sharpness: 'max' } };
    expect(problemsOf({ endpoints: [openai], routes: [route] })[0]?.field).toBe('routes.0.settings.sharpness');
  });
});

describe('a new model', () => {
  it('joins by one entry of data, and is planned like any other', () => {
    const [low] = builtInRoutes;
    const price = { kind: 'per-image', usd: 0.009, source: 'OpenAI price list', asOf: '2026-08-15' } as const;
    const sizes = { kind: 'list', sizes: ['1024x1024', '1536x1024', '1024x1536'] } as const;
    const route = {
      ...low,
      id: 'gpt-image-1.5-low',
      title: 'gpt-image-1.5, low',
      model: 'gpt-image-1.5',
      price,
      capabilities: { ...low?.capabilities, sizes },
    };
    const router = createImageRouter({ endpoints: [openai], routes: [route] } as unknown as RouterOptions);
    const { plan } = router.explain({ prompt: 'a red fox', tier: 'preview' });
    expect(plan.forecasts.map((forecast) => forecast.route)).toContain('gpt-image-1.5-low');
    const odd = router.explain({ prompt: 'a red fox', tier: 'preview', size: '1920x1088' });
    expect(odd.plan.excluded.find((exclusion) => exclusion.route === 'gpt-image-1.5-low')).toMatchObject({ reason: 'size' });
  });

  it('served by an aggregator backs up the vendor at the price charged there', () => {
    const prices = { 'gpt-image-2-medium': { kind: 'per-image', usd: 0.04, source: 'relay', asOf: '2026-11-01' } } as const;
    const relay = { ...openai, id: 'relay', baseUrl: 'https://relay.example/v1', prices };
    const router = createImageRouter({ endpoints: [openai, relay] } as unknown as RouterOptions);
    const { plan } = router.explain({ prompt: 'a red fox' });
    expect(plan.kind === 'plan' && plan.attempts[0]?.target).toBe('gpt-image-2-medium@relay');
    expect(plan.forecasts.map((forecast) => forecast.target)).toContain('gpt-image-2-medium@openai');
  });
});

describe('the catalogue', () => {
  it('holds the routes and policies the documentation names, frozen', () => {
    expect(builtInRoutes.map((route) => route.id)).toEqual([
      'gpt-image-2-low',
      'gpt-image-2-medium',
      'gpt-image-2-high',
      'nano-banana-pro',
    ]);
    expect(builtInPolicies).toHaveLength(11);
    expect(Object.isFrozen(builtInRoutes[0]?.capabilities)).toBe(true);
  });

  it('refuses duplicate ids and names a broken entry', () => {
    const [low] = builtInRoutes;
    expect(() => parseCatalog(RouteSchema, 'routes', [low, low])).toThrow('routes[1].id: "gpt-image-2-low" is already taken');
    expect(() => parseCatalog(RouteSchema, 'routes', [{ ...low, concurrency: 0 }])).toThrow('routes[0].concurrency');
  });
});
