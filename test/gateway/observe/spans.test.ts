import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { microUsd } from '../../../src/domain/money.ts';
import type { Usage } from '../../../src/domain/price.ts';
import type { TargetId } from '../../../src/domain/route.ts';
import type { TraceEvent } from '../../../src/domain/trace.ts';
import type { RouteId } from '../../../src/domain/vocabulary.ts';
import type { Observer } from '../../../src/gateway/observe/observer.ts';
import { readTraceparent } from '../../../src/gateway/observe/traceparent.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { CLIENT, type Collector, ERROR, endOf, observe, SERVER, type SpanSeen, startCollector } from './support.ts';

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

const ROUTE = 'gpt-image-2-low' as RouteId;
const TARGET = 'gpt-image-2-low@openai' as TargetId;
const OTHER = 'nano-banana-pro@google' as TargetId;
const FREE = microUsd(0);
const PRICE = { expected: microUsd(0.0059), ceiling: microUsd(0.0061) };

function queued(atMs: number, attempt: number, target = TARGET): TraceEvent {
  return { kind: 'attempt-queued', atMs, attempt, target, route: ROUTE, cause: 'plan' };
}

function started(atMs: number, attempt: number, changes: Partial<Extract<TraceEvent, { kind: 'attempt-start' }>> = {}): TraceEvent {
  const about = { attempt, target: TARGET, route: ROUTE, role: 'first', hedge: undefined, price: PRICE, timeoutMs: 9_000 } as const;
  return { kind: 'attempt-start', atMs, cause: 'plan', ...about, ...changes };
}

function delivered(atMs: number, attempt: number, usage?: Usage): TraceEvent {
  const end = { kind: 'delivered', cost: PRICE.expected } as const;
  const about = { target: TARGET, end, billed: PRICE.expected, possiblyBilled: FREE, requestId: undefined };
  return { kind: 'attempt-end', atMs, attempt, ...about, ...(usage === undefined ? {} : { usage }) };
}

function failed(atMs: number, attempt: number): TraceEvent {
  const failure = { kind: 'not-accepted', fault: 'overloaded', retry: 'other', evidence: 'against', scope: 'route' } as const;
  const end = { kind: 'failed', failure: { ...failure, retryAfterMs: undefined, billed: 'no', message: 'busy', status: 503 } } as const;
  return { kind: 'attempt-end', atMs, attempt, target: TARGET, end, billed: FREE, possiblyBilled: FREE, requestId: undefined };
}

function ended(atMs: number, attempt: number | undefined): TraceEvent {
  const end = attempt === undefined ? 'failed' : 'delivered';
  return { kind: 'end', atMs, end, attempt, cause: 'done', billed: PRICE.expected, possiblyBilled: FREE };
}

type Traced = {
  readonly observer: Observer;
  readonly clock: ReturnType<typeof manualClock>;
  /** Tells the router's events of request `req_1`, each at its own time. */
  run(...events: readonly TraceEvent[]): void;
  spans(): Promise<readonly SpanSeen[]>;
};

async function traced(speed = 1): Promise<Traced> {
  const clock = manualClock(speed);
  const modelOf = (target: string) =>
    target === OTHER ? { model: 'gemini-3-pro-image', provider: 'google' } : { model: 'gpt-image-2', provider: 'openai' };
  const { observer } = await observe({ clock, otlpEndpoint: `${collector.url}/`, modelOf });
  const startedAt = clock.now();
  const run = (...events: readonly TraceEvent[]): void => {
    for (const event of events) {
      clock.advance(Math.max(0, startedAt + event.atMs - clock.now()));
      observer.listener({ kind: 'request', requestId: 'req_1', event });
    }
  };
  const spans = async (): Promise<readonly SpanSeen[]> => {
    await observer.close();
    return collector.spans();
  };
  return { observer, clock, run, spans };
}

const USAGE: Usage = { textInTokens: 10, imageInTokens: 300, imageOutTokens: 196, textOutTokens: 4 };

describe('spans', () => {
  it('put each call under the request it served, with the GenAI conventions’ names', async () => {
    const { observer, run, spans } = await traced();
    run(queued(0, 1), started(0, 1), failed(900, 1), queued(900, 2), started(1_000, 2, { role: 'fallback' }), delivered(5_000, 2, USAGE));
    run(ended(5_000, 2));
    const facts = { traceId: 'req_1', route: ROUTE, tier: 'preview', policy: 'chat', attempts: 2, costMicroUsd: 5_900 } as const;
    observer.http(endOf({ ...facts, ms: 5_000, deadlineMet: true }));
    const [request, first, second, ...others] = [...(await spans())].sort(
      (a, b) => a.kind - b.kind || a.startTimeUnixNano - b.startTimeUnixNano,
    );
    expect(others).toEqual([]);
    expect(request).toMatchObject({
      name: 'POST /v1/images/generations',
      kind: SERVER,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/v1/images/generations',
        'http.response.status_code': 200,
        'image_router.trace_id': 'req_1',
        'image_router.route': ROUTE,
        'image_router.tier': 'preview',
        'image_router.policy': 'chat',
        'image_router.attempts': 2,
        'image_router.deadline_met': true,
        'image_router.cost_micro_usd': 5_900,
      },
    });
    expect(first).toMatchObject({
      kind: CLIENT,
      parentSpanId: request?.spanId,
      traceId: request?.traceId,
      status: { code: ERROR },
      attributes: {
        'error.type': 'overloaded',
        'http.response.status_code': 503,
        'image_router.role': 'first',
        'image_router.chosen': false,
      },
    });
    expect(second).toMatchObject({
      name: 'generate_content gpt-image-2',
      kind: CLIENT,
      parentSpanId: request?.spanId,
      attributes: {
        'gen_ai.operation.name': 'generate_content',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-image-2',
        'gen_ai.output.type': 'image',
        'gen_ai.usage.input_tokens': 310,
        'gen_ai.usage.output_tokens': 200,
        'image_router.target': TARGET,
        'image_router.role': 'fallback',
        'image_router.chosen': true,
        'image_router.queue_ms': 100,
        'image_router.billed_micro_usd': 5_900,
      },
    });
    expect(second?.attributes).not.toHaveProperty('error.type');
    expect(first?.attributes).not.toHaveProperty('gen_ai.usage.input_tokens');
    expect(collector.resources()[0]).toEqual({ 'service.name': 'image-router' });
    expect(collector.paths).toEqual(['POST /v1/traces application/json']);
  });

  it('say why a call ran beside another, and name Google as the conventions do', async () => {
    const { observer, run, spans } = await traced();
    run(queued(0, 1, OTHER), started(0, 1, { target: OTHER, role: 'hedge', hedge: 'gone-silent' }), delivered(9, 1), ended(9, 1));
    observer.http(endOf({ traceId: 'req_1' }));
    const call = (await spans()).find(({ kind }) => kind === CLIENT);
    expect(call?.attributes).toMatchObject({
      'gen_ai.provider.name': 'gcp.gemini',
      'gen_ai.request.model': 'gemini-3-pro-image',
      'image_router.role': 'hedge',
      'image_router.hedge_reason': 'gone-silent',
    });
  });

  it('happen in real time, however fast the world runs', async () => {
    const { observer, clock, run, spans } = await traced(20);
    const worldStart = clock.wall().getTime();
    // Two real seconds of reading the body come first: 40 of the world.
    clock.advance(40_000);
    run(queued(40_000, 1), started(40_000, 1));
    observer.listener({ kind: 'request', requestId: 'req_2', event: started(0, 1) });
    clock.advance(20_000);
    observer.listener({ kind: 'request', requestId: 'req_2', event: delivered(20_000, 1) });
    observer.listener({ kind: 'request', requestId: 'req_2', event: ended(20_000, 1) });
    observer.http(endOf({ traceId: 'req_2', ms: 3_000 }));
    const found = await spans();
    const times = ({ startTimeUnixNano, endTimeUnixNano }: SpanSeen): readonly number[] =>
      [startTimeUnixNano, endTimeUnixNano].map((ms) => Math.round(ms - worldStart));
    expect(found.map((span) => [span.kind, ...times(span)])).toEqual(
      expect.arrayContaining([
        [SERVER, 0, 3_000],
        [CLIENT, 2_000, 3_000],
      ]),
    );
  });

  it('belong to the caller’s own trace when it names one, and to none when it names it wrongly', async () => {
    const { observer, spans } = await traced();
    observer.http(endOf({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }));
    observer.http(endOf({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' }));
    observer.http(endOf({ traceparent: 'nonsense' }));
    const found = await spans();
    expect(found[0]).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' });
    // The second caller does not want to be traced.
    expect(found).toHaveLength(2);
    expect(found[1]?.parentSpanId ?? '').toBe('');
  });

  it('hang under their request also when its caller had left before they ended', async () => {
    const { observer, run, spans } = await traced();
    observer.http({ kind: 'request-start', id: 'req_http', method: 'POST', endpoint: '/v1/images/generations' });
    run(queued(0, 1), started(0, 1));
    observer.http(endOf({ status: 499 }));
    run(delivered(8_000, 1), ended(8_000, 1));
    observer.http({ kind: 'images-end', id: 'req_http', traceId: 'req_1' });
    const found = await spans();
    const [request, call] = [found.find(({ kind }) => kind === SERVER), found.find(({ kind }) => kind === CLIENT)];
    expect(call?.parentSpanId).toBe(request?.spanId);
    expect(call?.endTimeUnixNano).toBeGreaterThan(request?.endTimeUnixNano ?? Number.POSITIVE_INFINITY);
  });

  it('are not made for calls that never were sent', async () => {
    const { observer, run, spans } = await traced();
    const unsent: TraceEvent = {
      kind: 'attempt-end',
      atMs: 5,
      attempt: 1,
      target: TARGET,
      end: { kind: 'not-sent', reason: 'lane-full' },
      billed: FREE,
      possiblyBilled: FREE,
      requestId: undefined,
    };
    run(queued(0, 1), unsent, ended(5, undefined));
    observer.http(endOf({ traceId: 'req_1', status: 504, code: 'deadline_exceeded' }));
    const found = await spans();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ kind: SERVER, status: { code: ERROR }, attributes: { 'error.type': 'deadline_exceeded' } });
  });

  it('need their packages, and say which when they are not there', async () => {
    const loadTracing = () => Promise.reject(Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }));
    const refused = observe({ clock: manualClock(), otlpEndpoint: collector.url, loadTracing });
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_config',
      remedy: expect.stringContaining('npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http'),
    });
    await expect(observe({ clock: manualClock(), otlpEndpoint: 'collector:4318' })).rejects.toMatchObject({ code: 'invalid_config' });
  });
});

describe('traceparent', () => {
  const [TRACE, SPAN] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];

  it.each([
    [`00-${TRACE}-${SPAN}-01`, 1],
    [`00-${TRACE}-${SPAN}-00`, 0],
    [`00-${TRACE}-${SPAN}-03`, 1],
    [`01-${TRACE}-${SPAN}-01-what-will-come`, 1],
  ])('%s is read', (header, traceFlags) => {
    expect(readTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags, isRemote: true });
  });

  it.each([
    undefined,
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `${TRACE}-${SPAN}-01`,
  ])('%s is ignored', (header) => {
    expect(readTraceparent(header)).toBeUndefined();
  });
});
