import { describe, expect, it } from 'vitest';
import type { RouteId } from '../../../src/domain/vocabulary.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { useWorlds } from '../../support/router-world.ts';
import { endOf, observe, observedWorld } from './support.ts';

const ROUTE = 'gpt-image-2-low' as RouteId;

describe('the log of requests', () => {
  it('has one line for each that ended, with who asked, what it cost and where it came from', async () => {
    const { observer, lines } = await observe({ clock: manualClock() });
    observer.http({ kind: 'request-start', id: 'req_http', method: 'POST', endpoint: '/v1/images/generations' });
    const facts = { traceId: 'req_1', route: ROUTE, tier: 'preview', degraded: false, policy: 'chat', attempts: 2 } as const;
    const more = { costMicroUsd: 5_900, deadlineMet: true, predictedChance: 0.98765 };
    observer.http({ kind: 'images-end', id: 'req_http', ...facts, ...more });
    observer.http(endOf({ ...facts, ...more, ms: 12.4, traceparent: '00-a-b-01' }));
    const [line, ...others] = lines();
    expect(others).toEqual([]);
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      event: 'request',
      id: 'req_http',
      method: 'POST',
      endpoint: '/v1/images/generations',
      status: 200,
      ms: 12,
      bytes: 2_048,
      principal: 'loopback',
      trace: 'req_1',
      route: ROUTE,
      tier: 'preview',
      degraded: false,
      policy: 'chat',
      attempts: 2,
      cost_micro_usd: 5_900,
      deadline_met: true,
      chance: 0.988,
    });
    await observer.close();
  });

  it('tells of a server error as a warning, and of a probe only to those who debug', async () => {
    const { observer, lines } = await observe({ clock: manualClock() });
    observer.http(endOf({ status: 502 }));
    observer.http(endOf({ endpoint: '/livez' }));
    expect(lines().map(({ level }) => level)).toEqual(['warn', 'debug']);
    await observer.close();
  });

  it('says what images cost that were still made when their caller had left', async () => {
    const { observer, lines } = await observe({ clock: manualClock() });
    observer.http({ kind: 'request-start', id: 'req_http', method: 'POST', endpoint: '/v1/images/generations' });
    observer.http(endOf({ status: 499 }));
    observer.http({ kind: 'images-end', id: 'req_http', code: 'cancelled', traceId: 'req_1', costMicroUsd: 41_000 });
    expect(lines()).toMatchObject([
      { event: 'request', status: 499 },
      { event: 'images-end', id: 'req_http', trace: 'req_1', code: 'cancelled', cost_micro_usd: 41_000 },
    ]);
    await observer.close();
  });
});

describe('the log of the gateway itself', () => {
  it('names where a defect is, and never what it says', async () => {
    const { observer, lines } = await observe({ clock: manualClock() });
    const error = new TypeError('cannot read secret-prompt\n    at secret-prompt (file:///secret-prompt.ts:1:1)');
    observer.http({ kind: 'request-defect', id: 'req_http', where: 'generate', error });
    observer.defect('store', Object.assign(new Error('row secret-prompt'), { code: 'ERR_SQLITE_ERROR' }));
    observer.defect('store', 'secret-prompt');
    expect(JSON.stringify(lines())).not.toContain('secret');
    expect(lines()).toMatchObject([
      { level: 'error', event: 'defect', id: 'req_http', where: 'generate', error: 'TypeError' },
      { event: 'defect', where: 'store', error: 'Error', code: 'ERR_SQLITE_ERROR' },
      { event: 'defect', where: 'store', error: 'string' },
    ]);
    const [first] = lines();
    expect(first?.frames).toContainEqual(expect.stringContaining('log.test.ts'));
    await observer.close();
  });

  it('never tells frames of a defect whose message has changed, for they cannot be told from it', async () => {
    const { observer, lines } = await observe({ clock: manualClock() });
    const error = new Error('first\n    at secret-prompt (file:///a.ts:1:1)');
    expect(error.stack).toContain('first');
    error.message = 'second';
    observer.defect('generate', error);
    expect(lines()).toMatchObject([{ frames: [] }]);
    await observer.close();
  });

  it('blanks keys in what is noted, and whole fields that have no business there', async () => {
    const { observer, lines } = await observe({ clock: manualClock() });
    observer.note('info', 'reload', { file: 'config.yaml', remark: 'key sk-abcdefgh12345678 is used', prompt: 'a fox', apiKey: 'k' });
    expect(lines()).toMatchObject([
      { event: 'reload', file: 'config.yaml', remark: 'key [key] is used', prompt: '[Redacted]', apiKey: '[Redacted]' },
    ]);
    await observer.close();
  });

  it('writes nothing when it is to be silent', async () => {
    const { observer, text } = await observe({ clock: manualClock(), logLevel: 'silent' });
    observer.http(endOf({ status: 502 }));
    observer.defect('store', new Error('disk full'));
    expect(text()).toBe('');
    await observer.close();
  });
});

describe('the log of a router', () => {
  useWorlds();

  it('warns of a breaker that opens, with its reason', async () => {
    const { world, observer, lines } = await observedWorld();
    await world.start({ tier: 'preview', latencyBudgetMs: 60_000 });
    world.openai.calls[0]?.fail({ kind: 'account', fault: 'bad-key', evidence: 'against', retry: 'other', message: 'Incorrect API key' });
    await world.pass(500);
    expect(lines().filter(({ event }) => event === 'breaker-change')).toContainEqual(
      expect.objectContaining({ level: 'warn', to: 'open', target: 'gpt-image-2-low@openai', reason: 'bad-key: Incorrect API key' }),
    );
    for (const call of [...world.openai.calls, ...world.google.calls]) call.deliver();
    await world.pass(500);
    await Promise.all([world.router.close(), observer.close()]);
  });

  it('tells every call to those who debug, without what providers said', async () => {
    const { world, observer, lines } = await observedWorld();
    await world.start({ tier: 'preview', latencyBudgetMs: 60_000 });
    world.openai.calls[0]?.fail({ message: 'upstream words' });
    await world.pass(500);
    for (const call of [...world.openai.calls, ...world.google.calls]) call.deliver();
    await world.pass(500);
    expect(lines().slice(0, 2)).toMatchObject([
      { level: 'debug', event: 'attempt-start', attempt: 1, target: 'gpt-image-2-low@openai', role: 'first' },
      { level: 'debug', event: 'attempt-end', attempt: 1, kind: 'not-accepted', fault: 'overloaded', status: 503, billed_micro_usd: 0 },
    ]);
    expect(JSON.stringify(lines())).not.toContain('upstream words');
    await Promise.all([world.router.close(), observer.close()]);
  });
});
