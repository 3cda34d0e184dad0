import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure, FailureKind, Fault } from '../../src/domain/failure.ts';
import { addUsd, type MicroUsd, microUsd } from '../../src/domain/money.ts';
import type { Need } from '../../src/domain/need.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { Target } from '../../src/domain/route.ts';
import { after, type InstantMs } from '../../src/domain/time.ts';
import type { TraceEvent } from '../../src/domain/trace.ts';
import { advance, begin, GRACE_MS, type Step } from '../../src/execute/advance.ts';
import { type Effect, type Finish, type Run, type RunEvent, spendOf } from '../../src/execute/run.ts';
import { plan } from '../../src/plan/plan.ts';
import { needOf, policyNamed, priorView, situationOf, targets } from '../support/worlds.ts';

const START = 1_000 as InstantMs;

/** Plays a run by hand: feeds events, keeps every effect in order. */
class Game {
  readonly effects: Effect[] = [];
  readonly view = priorView();
  run: Run;
  now = START;

  constructor(need: Partial<Need> = {}) {
    const full = needOf(need);
    const deadline = after(START, full.budgetMs);
    const first = plan(situationOf({ need: full, now: START, deadline }));
    if (first.kind !== 'plan') throw new Error(`infeasible: ${first.detail}`);
    this.run = this.#keep(begin({ need: full, targets, arrivedAt: START, deadline }, first as Plan, START, this.view));
  }

  send(event: RunEvent, afterMs = 0): this {
    this.now = after(this.now, afterMs);
    this.run = this.#keep(advance(this.run, event, this.now, this.view));
    return this;
  }

  admit(attempt: number): this {
    return this.send({ kind: 'slot', attempt, admission: { kind: 'admitted' } });
  }

  fail(attempt: number, failure: Partial<Failure>, backoffMs?: number): this {
    return this.send({ kind: 'failed', attempt, failure: failureOf(failure), requestId: undefined, backoffMs }, 2_000);
  }

  of<Kind extends Effect['kind']>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind);
  }

  events<Kind extends TraceEvent['kind']>(kind: Kind): Extract<TraceEvent, { kind: Kind }>[] {
    return this.of('record')
      .map((effect) => effect.event)
      .filter((event): event is Extract<TraceEvent, { kind: Kind }> => event.kind === kind);
  }

  get finish(): Finish | undefined {
    return this.of('finish')[0]?.finish;
  }

  routes(): string[] {
    return this.of('send').map((effect) => effect.target.route.id);
  }

  #keep([run, effects]: Step): Run {
    this.effects.push(...effects);
    return run;
  }
}

function failureOf(changes: Partial<Failure>): Failure {
  return {
    kind: 'not-accepted',
    fault: 'overloaded',
    retry: 'other',
    evidence: 'against',
    scope: 'route',
    retryAfterMs: undefined,
    billed: 'no',
    message: 'the provider said no',
    status: 503,
    ...changes,
  };
}

const delivered = (attempt: number, cost = 0.01): RunEvent => ({ kind: 'delivered', attempt, cost: microUsd(cost), requestId: 'r' });

describe('the ordinary way', () => {
  it('queues, sends when a place is free, delivers, and ends', () => {
    const game = new Game().admit(1).send(delivered(1), 20_000);
    expect(game.routes()).toEqual(['gpt-image-2-medium']);
    expect(game.finish).toEqual({ kind: 'delivered', attempt: 1 });
    expect(game.events('end')[0]).toMatchObject({ end: 'delivered', billed: 10_000, possiblyBilled: 0 });
  });

  it('writes every call into the trace before it is sent', () => {
    const game = new Game().admit(1);
    const sent = game.effects.findIndex((effect) => effect.kind === 'send');
    const recorded = game.effects.findIndex((effect) => effect.kind === 'record' && effect.event.kind === 'attempt-start');
    expect(recorded).toBeGreaterThanOrEqual(0);
    expect(recorded).toBeLessThan(sent);
  });

  it('falls back to another provider at once when the first fails', () => {
    const game = new Game().admit(1).fail(1, {});
    expect(game.of('enqueue').map((effect) => effect.target.route.provider)).toEqual(['openai', 'google']);
  });
});

describe('money', () => {
  it('counts a call given up after sending as possibly billed, at its ceiling', () => {
    const game = new Game({ budgetMs: 60_000 }).admit(1).send({ kind: 'caller-gone' }, 5_000);
    const price = game.events('attempt-start')[0]?.price;
    expect(game.finish).toMatchObject({ kind: 'failed', code: 'cancelled' });
    expect(spendOf(game.run.attempts)).toEqual({ billed: 0, possiblyBilled: price?.ceiling, reserved: 0 });
  });

  it('sends nothing again when the price cap has no room for a second bill', () => {
    const game = new Game({ maxCost: microUsd(0.055) }).admit(1).fail(1, { kind: 'unknown', fault: 'connection-lost', billed: 'possibly' });
    expect(game.routes()).toHaveLength(1);
    expect(game.finish).toMatchObject({ kind: 'failed', code: 'providers_failed' });
  });

  it('sends again under the same cap when the first call was certainly free', () => {
    const game = new Game({ maxCost: microUsd(0.06) }).admit(1).fail(1, { retry: 'same', fault: 'rate-limited' }, 500);
    expect(game.finish).toBeUndefined();
    expect(game.send({ kind: 'wake' }, 500).of('enqueue')).toHaveLength(2);
  });
});

describe('a call that may have been billed for nothing', () => {
  it('is repeated on the same route once, not more', () => {
    const lost = { kind: 'unknown', fault: 'connection-lost', retry: 'same', billed: 'possibly' } as const;
    const game = new Game({ quality: 'medium', budgetMs: 200_000 }).admit(1).fail(1, lost, 0).admit(2).fail(2, lost, 0);
    expect(game.routes()).toEqual(['gpt-image-2-medium', 'gpt-image-2-medium']);
    expect(game.finish).toMatchObject({ kind: 'failed', code: 'providers_failed' });
  });
});

describe('refusals', () => {
  const refusal = { kind: 'refused', fault: 'moderation', retry: 'other', evidence: 'ignored' } as const;

  it('are not sent to another vendor unless the policy says so', () => {
    const game = new Game().admit(1).fail(1, refusal);
    expect(game.of('enqueue')).toHaveLength(1);
    expect(game.finish).toMatchObject({ kind: 'failed', code: 'refused' });
  });

  it('go to another vendor, never back to the same one, when the policy permits', () => {
    const policy = { ...policyNamed('default'), fallbackOnRefusal: true };
    const game = new Game({ policy }).admit(1).fail(1, refusal);
    expect(game.of('enqueue').map((effect) => effect.target.route.provider)).toEqual(['openai', 'google']);
  });
});

describe('time', () => {
  it('ends at the deadline with what happened so far', () => {
    const game = new Game({ budgetMs: 40_000 }).admit(1).send({ kind: 'wake' }, 40_000);
    expect(game.finish).toMatchObject({ kind: 'failed', code: 'deadline_exceeded' });
    expect(game.of('abort')).toHaveLength(game.routes().length);
  });

  it('takes an image that arrives with the deadline, and none that comes long after it', () => {
    const justInTime = new Game({ budgetMs: 40_000 }).admit(1).send(delivered(1), 40_000 + GRACE_MS);
    expect(justInTime.finish?.kind).toBe('delivered');
    const late = new Game({ budgetMs: 40_000 }).admit(1).send(delivered(1), 40_001 + GRACE_MS);
    expect(late.finish).toMatchObject({ kind: 'failed', code: 'deadline_exceeded' });
    expect(late.events('end')[0]?.billed).toBe(10_000);
  });

  it('gives up an attempt at its own timeout and uses what is left for another', () => {
    const game = new Game({ budgetMs: 300_000 }).admit(1);
    const timeoutMs = game.events('attempt-start')[0]?.timeoutMs ?? 0;
    game.send({ kind: 'wake' }, timeoutMs);
    expect(game.events('attempt-end')[0]).toMatchObject({ end: { failure: { fault: 'timeout', evidence: 'against' } } });
    expect(game.of('enqueue').length).toBeGreaterThan(1);
  });

  it('plans anew when a call has gone silent: only then is it known that it still runs', () => {
    const game = new Game({ budgetMs: 48_000 }).admit(1);
    const first = game.run.attempts[0];
    const silentAt = first?.phase === 'sent' ? first.silentAt : undefined;
    game.send({ kind: 'wake' }, (silentAt ?? game.now) - game.now);
    expect(game.events('plan').map((event) => event.cause)).toEqual(['request', 'attempt 1 has gone silent']);
    const next = game.of('wake-at').at(-1)?.at;
    expect(next).toBeGreaterThan(silentAt ?? 0);
  });

  it('does not send an attempt whose queue has eaten its time', () => {
    const game = new Game({ budgetMs: 40_000 });
    game.send({ kind: 'slot', attempt: 1, admission: { kind: 'admitted' } }, 39_000);
    expect(game.routes()).toEqual([]);
    expect(game.of('release').map((effect) => effect.attempt)).toContain(1);
    expect(game.events('attempt-end')[0]).toMatchObject({ end: { kind: 'not-sent', reason: 'too-late' } });
  });

  it('replans when a breaker rejects the attempt at its turn', () => {
    const rejected = { kind: 'rejected', reason: 'breaker-open', detail: 'silent' } as const;
    const game = new Game().send({ kind: 'slot', attempt: 1, admission: rejected });
    expect(game.of('enqueue')[1]?.target.route.id).not.toBe('gpt-image-2-medium');
  });
});

describe('an image below the need', () => {
  it('is kept while a better call runs, and delivered at the deadline', () => {
    const policy = { ...policyNamed('default'), hedgeBudgetUsd: 1 };
    const game = new Game({ textAccuracy: 'some', budgetMs: 60_000, policy }).admit(1);
    const lower: Target | undefined = targets.find((target) => target.route.id === 'gpt-image-2-low');
    const first = game.run.attempts[0];
    if (first?.phase !== 'sent' || lower === undefined) throw new Error('the first attempt was not sent');
    const extra = { ...first, number: 2, target: lower, valueUsd: first.valueUsd / 4 };
    game.run = { ...game.run, attempts: [first, extra] };
    game.send(delivered(2, 0.006), 6_000);
    expect(game.finish).toBeUndefined();
    expect(game.events('image-held')).toHaveLength(1);
    game.send({ kind: 'wake' }, 54_000);
    expect(game.finish).toEqual({ kind: 'delivered', attempt: 2 });
  });
});

describe('any course of events', () => {
  const failures: readonly (readonly [FailureKind, Fault, Failure['retry'], Failure['billed']])[] = [
    ['not-accepted', 'overloaded', 'same', 'no'],
    ['not-accepted', 'rate-limited', 'same', 'no'],
    ['unknown', 'connection-lost', 'other', 'possibly'],
    ['empty', 'no-image', 'same', 'possibly'],
    ['garbled', 'unreadable', 'other', 'possibly'],
    ['refused', 'moderation', 'other', 'no'],
    ['account', 'bad-key', 'other', 'no'],
    ['invalid', 'bad-parameter', 'never', 'no'],
  ];
  const moves = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 60_000 }),
      what: fc.constantFrom('wake', 'admit', 'reject', 'full', 'deliver', 'fail', 'gone', 'health'),
      which: fc.nat(2),
      failure: fc.constantFrom(...failures),
      scope: fc.constantFrom('route', 'endpoint'),
      backoffMs: fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: undefined }),
      costShare: fc.double({ min: 0.5, max: 1, noNaN: true }),
    }),
    { maxLength: 40 },
  );
  const needs = fc.record({
    budgetMs: fc.integer({ min: 30_000, max: 500_000 }),
    textAccuracy: fc.constantFrom('none', 'some', 'exact'),
    tier: fc.constantFrom('preview', 'standard', 'premium'),
    capUsd: fc.option(fc.double({ min: 0.2, max: 0.6, noNaN: true }), { nil: undefined }),
    policy: fc.constantFrom('default', 'chat', 'poster'),
    fallbackOnRefusal: fc.boolean(),
  });

  /** Plays random moves, each only where it can happen, then lets the deadline come. */
  function play(
    needDraw: typeof needs extends fc.Arbitrary<infer Value> ? Value : never,
    course: typeof moves extends fc.Arbitrary<infer Value> ? Value : never,
  ): Game | undefined {
    const { capUsd, policy, fallbackOnRefusal, ...rest } = needDraw;
    const need = {
      ...rest,
      maxCost: capUsd === undefined ? undefined : microUsd(capUsd),
      policy: { ...policyNamed(policy), fallbackOnRefusal, minChance: 0.01 },
    };
    let game: Game;
    try {
      game = new Game(need);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('infeasible')) return undefined;
      throw error;
    }
    for (const move of course) makeMove(game, move);
    return game.send({ kind: 'wake' }, Math.max(0, game.run.deadline - game.now));
  }

  function makeMove(game: Game, move: typeof moves extends fc.Arbitrary<readonly (infer Value)[]> ? Value : never): void {
    // The clock never runs past the wake the run asked for: a driver would have woken it.
    const wakeAt = game.of('wake-at').at(-1)?.at ?? game.now;
    const afterMs = Math.min(move.afterMs, Math.max(0, wakeAt - game.now));
    const attempt = game.run.attempts[move.which];
    if (move.what === 'wake') game.send({ kind: 'wake' }, afterMs);
    else if (move.what === 'gone') game.send({ kind: 'caller-gone' }, afterMs);
    else if (move.what === 'health') game.send({ kind: 'health-change', cause: 'test' }, afterMs);
    else if (attempt?.phase === 'queued') playSlot(game, attempt.number, move.what, afterMs);
    else if (attempt?.phase === 'sent' && move.what === 'deliver') {
      game.send(
        {
          kind: 'delivered',
          attempt: attempt.number,
          cost: Math.floor(attempt.price.ceiling * move.costShare) as MicroUsd,
          requestId: 'r',
        },
        afterMs,
      );
    } else if (attempt?.phase === 'sent' && move.what === 'fail') {
      const [kind, fault, retry, billed] = move.failure;
      const failure = failureOf({ kind, fault, retry, billed, scope: move.scope });
      game.send(
        {
          kind: 'failed',
          attempt: attempt.number,
          failure,
          requestId: undefined,
          backoffMs: retry === 'same' ? move.backoffMs : undefined,
        },
        afterMs,
      );
    }
  }

  function playSlot(game: Game, attempt: number, what: string, afterMs: number): void {
    if (what === 'admit') game.send({ kind: 'slot', attempt, admission: { kind: 'admitted' } }, afterMs);
    if (what === 'reject')
      game.send({ kind: 'slot', attempt, admission: { kind: 'rejected', reason: 'breaker-open', detail: 'open' } }, afterMs);
    if (what === 'full')
      game.send({ kind: 'slot', attempt, admission: { kind: 'rejected', reason: 'lane-full', detail: 'full' } }, afterMs);
  }

  const holds = (law: (game: Game) => void): void =>
    fc.assert(
      fc.property(needs, moves, (need, course) => {
        const game = play(need, course);
        if (game) law(game);
      }),
      { numRuns: 300 },
    );

  it('ends exactly once, and by the deadline', () => {
    holds((game) => {
      expect(game.of('finish')).toHaveLength(1);
      expect(game.events('end')).toHaveLength(1);
      expect(game.run.ended).toBe(true);
      expect(game.events('end')[0]?.atMs).toBeLessThanOrEqual(game.run.deadline - game.run.arrivedAt);
    });
  });

  it('never sends more than three calls, each recorded before it is sent', () => {
    holds((game) => {
      expect(game.of('send').length).toBeLessThanOrEqual(3);
      const recorded = new Set<number>();
      for (const effect of game.effects) {
        if (effect.kind === 'record' && effect.event.kind === 'attempt-start') recorded.add(effect.event.attempt);
        if (effect.kind === 'send') expect(recorded.has(effect.attempt)).toBe(true);
      }
    });
  });

  it('never spends above the cap, counting what is possibly billed', () => {
    holds((game) => {
      const { billed, possiblyBilled } = spendOf(game.run.attempts);
      if (game.run.need.maxCost !== undefined) expect(addUsd(billed, possiblyBilled)).toBeLessThanOrEqual(game.run.need.maxCost);
    });
  });

  it('never sends a refused prompt again unless the policy permits, and then never to the same vendor', () => {
    holds((game) => {
      const refusals = game.effects.flatMap((effect, index) =>
        effect.kind === 'record' &&
        effect.event.kind === 'attempt-end' &&
        effect.event.end.kind === 'failed' &&
        effect.event.end.failure.kind === 'refused'
          ? [
              {
                index,
                provider: targets.find((target) => effect.event.kind === 'attempt-end' && target.id === effect.event.target)?.route
                  .provider,
              },
            ]
          : [],
      );
      for (const { index, provider } of refusals) {
        const queuedLater = game.effects.slice(index).filter((effect) => effect.kind === 'enqueue');
        if (!game.run.need.policy.fallbackOnRefusal) expect(queuedLater).toHaveLength(0);
        for (const effect of queuedLater) expect(effect.target.route.provider).not.toBe(provider);
      }
    });
  });

  it('leaves no attempt open: every call sent has ended, every place in a lane was used or given back', () => {
    holds((game) => {
      expect(game.run.attempts.every((attempt) => attempt.phase === 'ended')).toBe(true);
      for (const effect of game.of('enqueue')) {
        const wasSent = game.of('send').some((sent) => sent.attempt === effect.attempt);
        const wasReleased = game.of('release').some((released) => released.attempt === effect.attempt);
        expect(wasSent || wasReleased).toBe(true);
      }
    });
  });

  it('delivers whenever a usable image arrived before the end', () => {
    holds((game) => {
      const arrived = game.events('attempt-end').some((event) => event.end.kind === 'delivered');
      const left = game.events('caller-gone').length > 0;
      if (arrived && !left) expect(game.finish?.kind).toBe('delivered');
    });
  });

  it('gives the same steps for the same events', () => {
    fc.assert(
      fc.property(needs, moves, (need, course) => {
        expect(play(need, course)?.effects).toEqual(play(need, course)?.effects);
      }),
      { numRuns: 50 },
    );
  });
});
