// The page is compared with what the gateway really says when everything that can happen has happened once.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../../../src/domain/trace.ts';
import type { HttpEvent } from '../../../src/gateway/http/http-event.ts';
import { NOTES } from '../../../src/gateway/observe/log.ts';
import type { AttemptRecord, EndedRun } from '../../../src/gateway/observe/runs.ts';
import { callAttributes, requestAttributes } from '../../../src/gateway/observe/span-attributes.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { useWorlds } from '../../support/router-world.ts';
import { targets } from '../../support/worlds.ts';
import { endOf, observedWorld, samplesOf } from './support.ts';

useWorlds();

/** One of each step a trace can have. */
const STEPS: Readonly<Record<TraceEvent['kind'], true>> = {
  plan: true,
  'attempt-queued': true,
  'attempt-start': true,
  'attempt-abort': true,
  'attempt-end': true,
  'image-held': true,
  precheck: true,
  'caller-gone': true,
  deadline: true,
  end: true,
};

type Documented = { readonly name: string; readonly type: string; readonly labels: ReadonlySet<string>; readonly meaning: string };

const page = await readFile(new URL('../../../docs/observability.md', import.meta.url), 'utf8');

/** The cells of each row of a section's table, its head left out. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(section)) ?? '';
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function namesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function documentedMetrics(): readonly Documented[] {
  return rowsOf('Metrics').map(([name = '', type = '', labels = '', meaning = '']) => ({
    name: namesIn(name).join(),
    type,
    labels: new Set(namesIn(labels.replaceAll(/\([^)]*\)/g, ''))),
    meaning,
  }));
}

/** Everything a gateway can count, at least once. */
async function eventfulText(): Promise<string> {
  const { world, observer } = await observedWorld();
  await world.start({ tier: 'preview', latencyBudgetMs: 120_000 });
  await world.pass(20_000);
  world.google.calls[0]?.deliver();
  await world.start({ tier: 'preview', latencyBudgetMs: 120_000 });
  world.openai.calls.at(-1)?.fail({ kind: 'account', fault: 'bad-key', evidence: 'against', retry: 'other' });
  await world.pass(500);
  for (const call of [...world.openai.calls, ...world.google.calls]) call.deliver();
  await world.pass(500);
  observer.http({ kind: 'images-end', id: 'a', policy: 'chat', tier: 'preview', degraded: true, deadlineMet: true });
  observer.http(endOf({ tier: 'preview' }));
  observer.defect('store', new Error('disk full'));
  const text = await observer.metricsText();
  await Promise.all([world.router.close(), observer.close()]);
  return text;
}

describe('the page on observability', () => {
  it('names every metric that is exposed, with its type and labels, and no other', async () => {
    const text = await eventfulText();
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
    const labels = new Map<string, Set<string>>();
    for (const sample of samplesOf(text)) {
      const name = types.has(sample.name) ? sample.name : sample.name.replace(/_(?:bucket|sum|count)$/, '');
      const known = labels.get(name) ?? new Set();
      for (const label of Object.keys(sample.labels)) if (label !== 'le') known.add(label);
      labels.set(name, known);
    }
    const exposed = [...types].map(([name, type]) => ({ name, type, labels: labels.get(name) ?? new Set() }));
    const byName = (a: { readonly name: string }, b: { readonly name: string }): number => a.name.localeCompare(b.name);
    const documented = documentedMetrics().map(({ name, type, labels: named }) => ({ name, type, labels: named }));
    expect(documented.sort(byName)).toEqual(exposed.sort(byName));
  });

  it('gives every metric a prefix, a unit and a suffix as Prometheus does', () => {
    for (const { name, type, meaning } of documentedMetrics()) {
      expect(name).toMatch(/^image_router_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(meaning).not.toBe('');
    }
  });

  it('names every event the log can have, and no other', () => {
    const events = rowsOf('Log').flatMap(([event = '']) => namesIn(event));
    const ofRequests: Readonly<Record<Exclude<HttpEvent['kind'], 'request-end' | 'request-defect'>, true>> = {
      'request-start': true,
      'images-end': true,
    };
    const known = ['request', 'defect', 'breaker-change', ...NOTES, ...Object.keys(ofRequests), ...Object.keys(STEPS)];
    expect([...events].sort()).toEqual(known.sort());
  });

  it('names every attribute a span may have', () => {
    const usage = { textInTokens: 1, imageInTokens: 1, imageOutTokens: 1, textOutTokens: 1 };
    const [target] = targets;
    if (target === undefined) throw new Error('no targets');
    const attempt: AttemptRecord = {
      number: 1,
      target: target.id,
      route: target.route.id,
      role: 'hedge',
      hedge: 'gone-silent',
      queuedAtMs: 0,
      startedAtMs: 1,
      endedAtMs: 2,
      outcome: 'unknown',
      fault: 'timeout',
      httpStatus: 504,
      billedMicroUsd: 1,
      possiblyBilledMicroUsd: 1,
      usage,
    };
    const arrivedAt = manualClock().now();
    const run: EndedRun = { requestId: 'a', part: 1, arrivedAt, attempts: [attempt], delivered: 1, chance: 1, verdict: 'met' };
    const facts = { code: 'c', traceId: 't', route: target.route.id, tier: 'preview', degraded: true, policy: 'p', attempts: 1 } as const;
    const request = endOf({ ...facts, status: 500, costMicroUsd: 1, deadlineMet: true, predictedChance: 1 });
    const [server = [], client = []] = rowsOf('Traces').map(([, attributes = '']) => namesIn(attributes));
    expect(server).toEqual(Object.keys(requestAttributes(request)));
    const values = ['generate_content', 'image', 'openai', 'gcp.gemini'];
    const modelOf = () => ({ model: 'm', provider: 'openai' });
    expect(client.filter((name) => !values.includes(name))).toEqual(Object.keys(callAttributes(attempt, run, modelOf)));
  });
});
