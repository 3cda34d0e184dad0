import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtInPolicies } from '../../policies/index.ts';
import { builtInRoutes } from '../../routes/index.ts';
import { run, temporaryFolder } from './terminal.ts';

describe('classify', () => {
  const rows = ['{"id":"a","prompt":"a red fox"}', '', '{"prompt":"a sign saying \\"open\\"","other":1}', '{"id":7,"prompt":"rain"}'];

  it('prints one object a line with the id, or the line number where there is none', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'prompts.jsonl'), `\ufeff${rows.join('\r\n')}`);
    const { exit, out } = await run(['classify', '--input', 'prompts.jsonl', '--json'], { cwd });
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(exit).toBe(0);
    expect(answers.map(({ id }) => id)).toEqual(['a', 3, 7]);
    for (const answer of answers) {
      expect(Object.keys(answer)).toEqual(['id', 'textAccuracy', 'complexity', 'complexityClass', 'tier', 'evidence']);
      expect(answer.complexity).toBeTypeOf('number');
    }
    expect(answers[1].textAccuracy).toBe('some');
  });

  it('reads standard input the same way', async () => {
    const { out } = await run(['classify', '-', '--json'], { stdin: rows.join('\n') });
    expect(out.trim().split('\n')).toHaveLength(3);
  });

  it('answers the rows before a bad one, then names its line', async () => {
    const { exit, out, err } = await run(['classify', '-', '--json'], { stdin: '{"prompt":"a"}\nnope\n' });
    expect(exit).toBe(2);
    expect(JSON.parse(out.split('\n')[0] ?? '').id).toBe(1);
    expect(JSON.parse(out.slice(out.indexOf('\n'))).error.message).toContain('line 2');
    expect(err).toBe('');
  });

  it('takes budget, lettering and policy into account', async () => {
    const tierWith = async (...flags: readonly string[]): Promise<string> =>
      JSON.parse((await run(['classify', 'a fox', '--json', ...flags])).out).tier;
    expect(await tierWith('--policy', 'chat')).toBe('preview');
    expect(await tierWith('--text', 'exact')).toBe('premium');
    expect(await tierWith('--text', 'exact', '--budget', '8s')).toBe('preview');
  });

  it('shows people a table with reasons', async () => {
    const { out } = await run(['classify', 'a fox', 'a sign saying "open"']);
    expect(out.split('\n')[0]).toMatch(/^id\s+lettering\s+elements/);
    expect(out).toContain('some');
  });
});

describe('explain', () => {
  it('shows every route with its verdict, the plan and the evidence, without a key or a socket', async () => {
    const { exit, out, err } = await run([
      'explain',
      'poster saying "Grand opening Saturday at noon"',
      '--budget',
      '60s',
      '--max-cost',
      '0.06',
    ]);
    expect(exit).toBe(0);
    expect(err).toBe('');
    for (const route of builtInRoutes) expect(out).toContain(route.id);
    expect(out).toContain('price-cap');
    expect(out).toContain('Grand opening Saturday at noon');
    expect(out).toMatch(/1\. gpt-image-2-medium: best value/);
  });

  it('speaks money in dollars to machines', async () => {
    const { plan, need } = JSON.parse((await run(['explain', 'a fox', '--json'])).out);
    expect(need.size).toBe('1024x1024');
    expect(plan.expectedCostUsd).toBeGreaterThan(0);
    expect(plan.expectedCostUsd).toBeLessThan(1);
    expect(plan.forecasts[0].price.ceilingUsd).toBeGreaterThan(0);
  });

  it('says what a preview would be made by, and what that costs', async () => {
    const { out } = await run(['explain', 'a fox', '--tier', 'standard', '--preview']);
    expect(out).toMatch(/preview\n {2}1\. gpt-image-2-low: [\s\S]*at worst\n\nplan\n {2}1\. gpt-image-2-medium/);
    const { preview } = JSON.parse((await run(['explain', 'a fox', '--tier', 'standard', '--preview', '--json'])).out);
    expect(preview.worstCostUsd).toBeGreaterThan(0);
  });

  it('says when nothing is possible, and what would be', async () => {
    const { exit, out } = await run(['explain', 'a fox', '--budget', '1s']);
    expect(exit).toBe(0);
    expect(out).toContain('not possible within the limits');
    expect(out).toContain('would work:');
  });
});

describe('catalogues', () => {
  it('lists every route with price and accuracy, and its sources to machines', async () => {
    const { out } = await run(['routes']);
    for (const route of builtInRoutes) expect(out).toContain(route.id);
    const listed = JSON.parse((await run(['routes', '--json'])).out);
    expect(listed.map((route: { id: string }) => route.id)).toEqual(builtInRoutes.map((route) => route.id));
    for (const route of listed) {
      expect(route.price.source.length).toBeGreaterThan(0);
      expect(route.price.asOf).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(route.latency.p95Ms).toBeGreaterThan(route.latency.p50Ms);
    }
  });

  it('shows the price of a picture by itself, and says what comes on top', async () => {
    const { out } = await run(['routes']);
    for (const price of ['$0.0059', '$0.0527', '$0.2107', '$0.1344']) expect(out).toContain(price);
    expect(out).toContain('tokens of the prompt');
    const [low] = JSON.parse((await run(['routes', '--json'])).out);
    expect(low.price.usdPerImage).toEqual({ '1024x1024': 0.00588, '1536x1024': expect.any(Number) });
  });

  it('lists every policy, and one in detail', async () => {
    const { out } = await run(['policies']);
    for (const policy of builtInPolicies) expect(out).toContain(policy.id);
    const one = await run(['policies', 'chat']);
    expect(one.out).toContain('tier by budget');
    expect(JSON.parse((await run(['policies', 'chat', '--json'])).out).id).toBe('chat');
  });

  it('the help lists every exit code', async () => {
    const { exit, out } = await run(['--help']);
    expect(exit).toBe(0);
    for (const code of ['invalid_request', 'infeasible', 'refused', 'providers_failed', 'deadline_exceeded', 'cancelled'])
      expect(out).toContain(code);
  });

  it('nothing to do is a mistake, and the help answers it', async () => {
    const { exit, err } = await run([]);
    expect(exit).toBe(2);
    expect(err).toContain('Usage: image-router');
  });
});
