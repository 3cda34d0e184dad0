import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtInPolicies } from '../../policies/index.ts';
import { adviseOn } from '../../src/cli/drill/advice.ts';
import { figuresOf } from '../../src/cli/drill/figures.ts';
import type { Observation } from '../../src/cli/drill/run-drill.ts';
import { EndpointSchema } from '../../src/domain/endpoint.ts';
import { ZERO_USD } from '../../src/domain/money.ts';
import type { Offer } from '../../src/domain/plan.ts';
import { PolicySchema } from '../../src/domain/policy.ts';
import { RouteIdSchema } from '../../src/domain/vocabulary.ts';
import { startCountingServer } from './counting-server.ts';
import { run, temporaryFolder } from './terminal.ts';

const QUICK = ['--requests', '6', '--rate', '1', '--speed', '60', '--policy', 'e-commerce'];

describe('drill', () => {
  it('an outage is met by the other provider, and the same requests without it show the difference', async () => {
    const { exit, out } = await run(['drill', 'outage', ...QUICK, '--json']);
    const { before, during, withoutFault } = JSON.parse(out);
    expect(exit).toBe(0);
    expect([before.requests, during.requests, withoutFault.requests]).toEqual([2, 4, 4]);
    expect(during).toMatchObject({ delivered: 4, byRoute: { 'nano-banana-pro': 4 } });
    expect(withoutFault.byRoute['gpt-image-2-medium']).toBeGreaterThan(0);
    expect(during.costPerImageUsd).toBeGreaterThan(withoutFault.costPerImageUsd);
  });

  it('says when a policy forbids what would have helped', async () => {
    const { out } = await run(['drill', 'refusal', ...QUICK]);
    expect(out).toMatch(/refused\s+(-|\d)\s+4\s+-/);
    expect(out).toContain('policy e-commerce forbids fallback after a refusal');
  });

  it("plays the caller's own endpoints, and none of them is ever called", async () => {
    const real = await startCountingServer();
    const cwd = temporaryFolder();
    const endpoint = `  - { id: mine, provider: openai, baseUrl: "${real.url}/v1", apiKey: k, models: { gpt-image-2-medium: theirs } }\n`;
    writeFileSync(join(cwd, 'mine.yaml'), `endpoints:\n${endpoint}`);
    const { exit, out } = await run(['drill', 'outage', '--config', 'mine.yaml', ...QUICK], { cwd, env: { GEMINI_API_KEY: 'sk-secret' } });
    expect(exit).toBe(0);
    expect(out).toContain('mine (breaks)');
    expect(out).toContain("every endpoint is openai's");
    expect(real.requests()).toBe(0);
    await real.close();
  });

  it('a second way to a provider stays up', async () => {
    const cwd = temporaryFolder();
    const endpoint = (id: string): string => `  - { id: ${id}, provider: openai, baseUrl: "http://127.0.0.1:9/v1", apiKey: k }\n`;
    writeFileSync(join(cwd, 'two.yaml'), `endpoints:\n${endpoint('own')}${endpoint('relay')}`);
    const { out } = await run(['drill', 'outage', '--config', 'two.yaml', ...QUICK, '--json'], { cwd });
    expect(JSON.parse(out).during).toMatchObject({ delivered: 4, failed: 0 });
  });

  it('Ctrl-C ends it', async () => {
    const { exit, err } = await run(['drill', 'hang'], { signal: AbortSignal.abort() });
    expect(exit).toBe(130);
    expect(err).toContain('nothing was billed');
  });
});

describe('the advice of a drill', () => {
  const policy = PolicySchema.parse(builtInPolicies[0]);
  const endpoint = (id: string, provider: 'openai' | 'google') =>
    EndpointSchema.parse({ id, provider, baseUrl: 'https://example.com', apiKey: 'k' });
  const seen: Observation = {
    index: 0,
    seconds: 12,
    budgetMs: 12_000,
    images: 0,
    route: undefined,
    firstRoute: undefined,
    isDegraded: false,
    code: undefined,
    message: undefined,
    offers: [],
    cost: { billed: ZERO_USD, possiblyBilled: ZERO_USD },
    wasted: ZERO_USD,
  };
  const offer = (to: number): Offer => ({ change: 'latencyBudgetMs', to, route: RouteIdSchema.parse('nano-banana-pro'), chance: 0.9 });
  const advise = (during: readonly Observation[]): string =>
    adviseOn({
      endpoints: [endpoint('a', 'openai'), endpoint('b', 'google')],
      policy,
      during,
      figures: figuresOf(during),
      without: figuresOf([]),
    });

  it('is the offer made most often, never the time the request had', () => {
    const late: Observation = { ...seen, code: 'deadline_exceeded' };
    expect(advise([{ ...late, offers: [offer(27_000)] }])).toContain('a budget of 27 s would let nano-banana-pro answer');
    expect(advise([{ ...late, offers: [offer(8_000)] }])).toContain('a budget of 12 s has no room for a second call');
  });

  it('leaves a configuration alone that kept every promise', () => {
    expect(advise([{ ...seen, images: 1 }])).toBe('nothing to change: every request was delivered in time');
  });

  it('names what is below the need', () => {
    expect(advise([{ ...seen, images: 1, isDegraded: true }])).toContain('1 of 1 below the need');
  });
});
