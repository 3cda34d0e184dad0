// The decisions of a run: (run, event, now, view) -> [run, effects]. Retries, fallback, hedges, timeouts, deadline, a
// caller who left, a late success: all are ordinary events here, so none of them races another.
//
// Laws it keeps: a run ends exactly once; no more than MAX_ATTEMPTS calls are sent; a call is recorded before it is sent
// and only with room for it in the price cap; a refused prompt starts nothing new unless the policy permits; a usable
// image is never thrown away, a better one is waited for only while one is running.
import type { ErrorCode } from '../domain/error.ts';
import type { Failure } from '../domain/failure.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '../domain/money.ts';
import type { Infeasible, Plan, PlannedAttempt } from '../domain/plan.ts';
import type { TargetId } from '../domain/route.ts';
import { after, earliest, formatDuration, type InstantMs } from '../domain/time.ts';
import type { AttemptNumber, TraceEvent } from '../domain/trace.ts';
import type { HealthView } from '../domain/view.ts';
import { imageValueUsd, shortfalls } from '../plan/adequacy.ts';
import { plannedShapeOf } from '../plan/call-shape.ts';
import { MAX_ATTEMPTS, plan } from '../plan/plan.ts';
import { type AttemptLimits, attemptLimits } from './attempt-limits.ts';
import { learnFrom, setAside, setbackOf } from './lessons.ts';
import {
  type Attempt,
  type AttemptRole,
  type Effect,
  type Finish,
  type Run,
  type RunEvent,
  type SlotAdmission,
  spendOf,
  type Upcoming,
} from './run.ts';
import { verdict } from './verdict.ts';

export type Step = readonly [Run, readonly Effect[]];

/** A run that has not started: what the driver knows when a request is admitted. */
export type NewRun = Pick<Run, 'need' | 'targets' | 'arrivedAt' | 'deadline'>;

/** One for all runs: most never set anything aside, and ten thousand may wait. */
const NONE: ReadonlyMap<TargetId, never> = new Map<TargetId, never>();

/** Starts a run with its first plan. */
export function begin(run: NewRun, first: Plan, now: InstantMs, view: HealthView): Step {
  const turn = new Turn(
    { ...run, attempts: [], upcoming: [], setAside: NONE, notBefore: NONE, mayStart: true, held: undefined, ended: false },
    now,
    view,
  );
  turn.record({ kind: 'plan', plan: first, cause: 'request' });
  turn.adopt(first);
  turn.startDue();
  return turn.done();
}

/** The next state and what to do about it. An event for a run that has ended changes nothing. */
export function advance(run: Run, event: RunEvent, now: InstantMs, view: HealthView): Step {
  if (run.ended) return [run, event.kind === 'slot' ? [{ kind: 'release', attempt: event.attempt }] : []];
  const turn = new Turn(run, now, view);
  switch (event.kind) {
    case 'wake':
      turn.wake();
      break;
    case 'slot':
      turn.takeSlot(event);
      break;
    case 'delivered':
      turn.takeImage(event);
      break;
    case 'failed':
      turn.takeFailure(event);
      break;
    case 'caller-gone':
      turn.record({ kind: 'caller-gone' });
      turn.fail('cancelled', 'the caller left');
      break;
    case 'health-change':
      turn.replan(event.cause);
      break;
  }
  if (!turn.run.ended) turn.startDue();
  return turn.done();
}

/** One event's worth of change. Mutable only while `advance` runs; what leaves it are values. */
class Turn {
  run: Run;
  readonly #effects: Effect[] = [];
  readonly #now: InstantMs;
  readonly #view: HealthView;

  constructor(run: Run, now: InstantMs, view: HealthView) {
    this.run = run;
    this.#now = now;
    this.#view = view;
  }

  done(): Step {
    if (!this.run.ended) this.#effects.push({ kind: 'wake-at', at: this.#nextWake() });
    return [this.run, this.#effects];
  }

  record(event: DistributiveOmit<TraceEvent, 'atMs'>): void {
    this.#effects.push({ kind: 'record', event: Object.assign(event, { atMs: this.#now - this.run.arrivedAt }) });
  }

  // --- events ---

  wake(): void {
    if (this.#now >= this.run.deadline) {
      this.#meetDeadline();
      return;
    }
    // What was planned for now starts first: a plan made anew at the same instant would put it off.
    this.startDue();
    for (const attempt of this.run.attempts) {
      if (this.run.ended) return;
      if (attempt.phase !== 'sent') continue;
      if (this.#now >= attempt.timeoutAt) this.#timeOut(attempt);
      else if (attempt.silentAt !== undefined && this.#now >= attempt.silentAt) {
        this.#replace({ ...attempt, silentAt: undefined });
        this.replan(`attempt ${attempt.number} has gone silent`);
      }
    }
  }

  takeSlot(event: Extract<RunEvent, { kind: 'slot' }>): void {
    const attempt = this.#find(event.attempt);
    if (attempt?.phase !== 'queued') {
      this.#effects.push({ kind: 'release', attempt: event.attempt });
      return;
    }
    const remainingMs = this.run.deadline - this.#now;
    const limits = attemptLimits(attempt.target, this.run.need, this.#view, remainingMs);
    const obstacle = obstacleTo(event.admission, limits, remainingMs);
    if (obstacle === undefined) {
      this.#send(attempt, limits, event.admission.kind === 'probe');
      return;
    }
    this.#effects.push({ kind: 'release', attempt: attempt.number });
    this.#settleUnsent(attempt, obstacle.reason);
    this.run = setAside(this.run, attempt.target.id, obstacle.setAside, obstacle.detail);
    this.replan(`attempt ${attempt.number} was not sent: ${obstacle.detail}`);
  }

  takeImage(event: Extract<RunEvent, { kind: 'delivered' }>): void {
    const attempt = this.#find(event.attempt);
    if (attempt?.phase !== 'sent') return;
    const isLate = this.#now > after(this.run.deadline, GRACE_MS);
    this.#settle(attempt, { delivered: true, failure: undefined, billed: event.cost, possiblyBilled: ZERO_USD }, event);
    if (isLate) {
      this.#meetDeadline();
      return;
    }
    const rival = this.#heldValueUsd();
    if (this.run.held === undefined || attempt.valueUsd > rival) this.run = { ...this.run, held: attempt.number };
    const better = this.#running().filter((other) => other.valueUsd > Math.max(rival, attempt.valueUsd));
    if (better.length === 0) {
      this.#deliver(`attempt ${attempt.number} delivered, nothing that runs could be better`);
      return;
    }
    this.record({ kind: 'image-held', attempt: attempt.number, cause: `${better[0]?.target.route.id} may still deliver a better one` });
    this.replan(`attempt ${attempt.number} delivered an image below the need`);
  }

  takeFailure(event: Extract<RunEvent, { kind: 'failed' }>): void {
    const attempt = this.#find(event.attempt);
    if (attempt?.phase !== 'sent') return;
    const { failure } = event;
    this.#settle(attempt, { delivered: false, failure, ...billOf(failure, attempt.price.ceiling) }, event);
    this.run = learnFrom(this.run, attempt.target, failure, event.backoffMs === undefined ? undefined : after(this.#now, event.backoffMs));
    this.replan(`attempt ${attempt.number} ended: ${failure.fault}`);
  }

  // --- planning ---

  /** Asks for a new plan from here on and adopts it; ends the run when nothing runs and nothing can be started. */
  replan(cause: string): void {
    if (this.run.ended) return;
    const running = this.#running();
    if (!this.run.mayStart || this.#attemptsLeft() === 0) {
      this.run = { ...this.run, upcoming: [] };
      if (running.length === 0) this.#giveUp(undefined);
      return;
    }
    const next = plan(this.#situation());
    this.record({ kind: 'plan', plan: next, cause });
    if (next.kind === 'plan') this.adopt(next);
    else if (running.length === 0) this.#giveUp(next);
    else this.run = { ...this.run, upcoming: [] };
  }

  /** Takes over a plan's starts. What waits only for a failure is not scheduled: the failure plans anew. */
  adopt(next: Plan): void {
    const upcoming: Upcoming[] = [];
    for (const attempt of next.attempts) {
      if (attempt.startMs !== undefined) upcoming.push(upcomingOf(attempt, after(this.#now, attempt.startMs)));
    }
    this.run = { ...this.run, upcoming };
  }

  /** Queues every planned attempt whose time has come. */
  startDue(): void {
    for (const next of this.run.upcoming) {
      if (next.at > this.#now) continue;
      this.run = { ...this.run, upcoming: this.run.upcoming.filter((other) => other !== next) };
      this.#enqueue(next);
    }
  }

  #situation(): Parameters<typeof plan>[0] {
    const spend = spendOf(this.run.attempts);
    const hedges = this.run.attempts.filter((attempt) => attempt.hedge !== undefined);
    const hedgeSpend = spendOf(hedges);
    return {
      need: this.run.need,
      targets: this.run.targets,
      view: this.#view,
      now: this.#now,
      deadline: this.run.deadline,
      committed: addUsd(spend.billed, spend.possiblyBilled, spend.reserved),
      hedgesCommitted: addUsd(hedgeSpend.billed, hedgeSpend.possiblyBilled, hedgeSpend.reserved),
      running: this.#running().map((attempt) => ({
        target: attempt.target.id,
        startedAt: attempt.phase === 'sent' ? attempt.sentAt : this.#now,
      })),
      heldValueUsd: this.#heldValueUsd(),
      attemptsLeft: this.#attemptsLeft(),
      setbacks: this.run.attempts.flatMap(setbackOf),
      setAside: this.run.setAside,
      notBefore: this.run.notBefore,
    };
  }

  // --- attempts ---

  #enqueue(next: Upcoming): void {
    const target = this.run.targets.find((known) => known.id === next.target);
    if (target === undefined) return;
    const { price } = plannedShapeOf(target.route, this.run.need);
    if (!this.#hasRoomFor(price.ceiling)) return;
    const number = this.run.attempts.length + 1;
    const role = this.#roleOf(target.id, next);
    const attempt: Attempt = {
      phase: 'queued',
      number,
      target,
      role,
      hedge: next.hedge,
      price,
      valueUsd: imageValueUsd(shortfalls(target.route, this.run.need), this.run.need),
      cause: next.why,
      queuedAt: this.#now,
    };
    this.run = { ...this.run, attempts: [...this.run.attempts, attempt] };
    this.record({ kind: 'attempt-queued', attempt: number, target: target.id, route: target.route.id, cause: next.why });
    this.#effects.push({ kind: 'enqueue', attempt: number, target, role });
  }

  #roleOf(target: TargetId, next: Upcoming): AttemptRole {
    if (this.run.attempts.length === 0) return 'first';
    if (next.hedge !== undefined) return 'hedge';
    return this.run.attempts.some((attempt) => attempt.target.id === target && attempt.phase === 'ended' && attempt.wasSent)
      ? 'retry'
      : 'fallback';
  }

  #send(attempt: Extract<Attempt, { phase: 'queued' }>, { timeoutMs, silentMs }: AttemptLimits, isProbe: boolean): void {
    const { queuedAt: _, ...rest } = attempt;
    this.#replace({
      ...rest,
      phase: 'sent',
      sentAt: this.#now,
      timeoutAt: after(this.#now, timeoutMs),
      silentAt: after(this.#now, silentMs),
    });
    this.record({
      kind: 'attempt-start',
      attempt: attempt.number,
      target: attempt.target.id,
      route: attempt.target.route.id,
      role: isProbe ? 'probe' : attempt.role,
      hedge: attempt.hedge,
      price: attempt.price,
      timeoutMs,
      cause: attempt.cause,
    });
    this.#effects.push({ kind: 'send', attempt: attempt.number, target: attempt.target });
  }

  #timeOut(attempt: Extract<Attempt, { phase: 'sent' }>): void {
    const cause = `no answer within ${formatDuration(attempt.timeoutAt - attempt.sentAt)}`;
    this.#abort(attempt, cause, { ...ABANDONED, fault: 'timeout', evidence: 'against', message: cause });
    this.run = setAside(this.run, attempt.target.id, 'failed-here', cause);
    this.replan(`attempt ${attempt.number} timed out`);
  }

  /** Stops waiting for a call. It may go on upstream and be billed: its ceiling counts as possibly billed. */
  #abort(attempt: Extract<Attempt, { phase: 'sent' }>, cause: string, failure: Failure): void {
    this.record({ kind: 'attempt-abort', attempt: attempt.number, cause });
    this.#effects.push({ kind: 'abort', attempt: attempt.number, failure });
    this.#settle(attempt, { delivered: false, failure, billed: ZERO_USD, possiblyBilled: attempt.price.ceiling });
  }

  #settle(
    attempt: Extract<Attempt, { phase: 'sent' }>,
    end: Pick<Extract<Attempt, { phase: 'ended' }>, 'delivered' | 'failure' | 'billed' | 'possiblyBilled'>,
    reply: Pick<Extract<RunEvent, { kind: 'delivered' }>, 'requestId' | 'usage'> = { requestId: undefined },
  ): void {
    const { sentAt: _, timeoutAt: __, silentAt: ___, ...rest } = attempt;
    this.#replace({ ...rest, phase: 'ended', wasSent: true, ...end });
    this.record({
      kind: 'attempt-end',
      attempt: attempt.number,
      target: attempt.target.id,
      end: end.failure === undefined ? { kind: 'delivered', cost: end.billed } : { kind: 'failed', failure: end.failure },
      billed: end.billed,
      possiblyBilled: end.possiblyBilled,
      requestId: reply.requestId,
      ...(reply.usage === undefined ? {} : { usage: reply.usage }),
    });
  }

  #settleUnsent(
    attempt: Extract<Attempt, { phase: 'queued' }>,
    reason: 'breaker-open' | 'lane-full' | 'too-late' | 'no-longer-needed',
  ): void {
    const { queuedAt: _, ...rest } = attempt;
    const nothing = { delivered: false, failure: undefined, billed: ZERO_USD, possiblyBilled: ZERO_USD };
    this.#replace({ ...rest, phase: 'ended', wasSent: false, ...nothing });
    this.record({
      kind: 'attempt-end',
      attempt: attempt.number,
      target: attempt.target.id,
      end: { kind: 'not-sent', reason },
      billed: ZERO_USD,
      possiblyBilled: ZERO_USD,
      requestId: undefined,
    });
  }

  // --- ends ---

  #meetDeadline(): void {
    this.record({ kind: 'deadline' });
    if (this.run.held !== undefined) this.#deliver('the deadline came before a better image');
    else this.fail('deadline_exceeded', `no image within ${formatDuration(this.run.deadline - this.run.arrivedAt)}`);
  }

  #deliver(cause: string): void {
    const attempt = this.run.held;
    if (attempt === undefined) throw new Error('invariant: a run delivers only an image it holds');
    this.#stopTheRest();
    this.#end('delivered', attempt, cause, { kind: 'delivered', attempt });
  }

  /** Nothing runs and nothing may start: deliver what is held, else fail with the most telling reason. */
  #giveUp(refusal: Infeasible | undefined): void {
    if (this.run.held !== undefined) {
      this.#deliver('no better image can come');
      return;
    }
    const { code, message } = verdict(this.run.attempts, refusal);
    this.fail(code, message, refusal);
  }

  fail(code: ErrorCode, message: string, refusal?: Infeasible): void {
    this.#stopTheRest();
    this.#end(code === 'cancelled' ? 'cancelled' : 'failed', undefined, message, { kind: 'failed', code, message, refusal });
  }

  #stopTheRest(): void {
    for (const attempt of this.run.attempts) {
      if (attempt.phase === 'queued') {
        this.#effects.push({ kind: 'release', attempt: attempt.number });
        this.#settleUnsent(attempt, 'no-longer-needed');
      } else if (attempt.phase === 'sent') {
        this.#abort(attempt, 'the run ended', { ...ABANDONED, fault: 'cancelled', evidence: 'ignored', message: 'no longer needed' });
      }
    }
  }

  #end(end: 'delivered' | 'failed' | 'cancelled', attempt: AttemptNumber | undefined, cause: string, finish: Finish): void {
    const { billed, possiblyBilled } = spendOf(this.run.attempts);
    this.run = { ...this.run, ended: true, upcoming: [] };
    this.record({ kind: 'end', end, attempt, cause, billed, possiblyBilled });
    this.#effects.push({ kind: 'finish', finish });
  }

  // --- readings ---

  #find(number: AttemptNumber): Attempt | undefined {
    return this.run.attempts[number - 1];
  }

  #replace(attempt: Attempt): void {
    this.run = { ...this.run, attempts: this.run.attempts.with(attempt.number - 1, attempt) };
  }

  #running(): readonly Exclude<Attempt, { phase: 'ended' }>[] {
    return this.run.attempts.filter((attempt) => attempt.phase !== 'ended');
  }

  #attemptsLeft(): number {
    const counted = this.run.attempts.filter((attempt) => attempt.phase !== 'ended' || attempt.wasSent);
    return MAX_ATTEMPTS - counted.length;
  }

  #hasRoomFor(ceiling: MicroUsd): boolean {
    const { billed, possiblyBilled, reserved } = spendOf(this.run.attempts);
    const { maxCost } = this.run.need;
    return this.#attemptsLeft() > 0 && (maxCost === undefined || addUsd(billed, possiblyBilled, reserved, ceiling) <= maxCost);
  }

  #heldValueUsd(): number {
    return this.run.held === undefined ? 0 : (this.#find(this.run.held)?.valueUsd ?? 0);
  }

  #nextWake(): InstantMs {
    let wake = this.run.deadline;
    for (const attempt of this.run.attempts) {
      if (attempt.phase === 'sent') wake = earliest(wake, attempt.timeoutAt, attempt.silentAt ?? attempt.timeoutAt);
    }
    for (const { at } of this.run.upcoming) wake = earliest(wake, at);
    return wake;
  }
}

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

/**
 * An image that comes this little after the deadline is delivered all the same: the clock was read a moment too late, and
 * it is paid for. Later ones only come when the process was stalled; the promise is then kept by saying so.
 */
export const GRACE_MS = 500;

/** A call given up after it was sent. */
const ABANDONED = {
  kind: 'unknown',
  retry: 'other',
  scope: 'route',
  retryAfterMs: undefined,
  billed: 'possibly',
  status: undefined,
} as const;

/** Why a call whose turn has come is not sent; undefined when it is. */
function obstacleTo(admission: SlotAdmission, { isPossible }: AttemptLimits, remainingMs: number) {
  if (admission.kind === 'rejected') return { reason: admission.reason, detail: admission.detail, setAside: 'breaker-open' } as const;
  if (isPossible) return undefined;
  const detail = `${formatDuration(Math.max(0, remainingMs))} left after queueing are too short`;
  return { reason: 'too-late', detail, setAside: 'deadline' } as const;
}

function upcomingOf(attempt: PlannedAttempt, at: InstantMs): Upcoming {
  return { at, target: attempt.target, hedge: attempt.hedge, why: attempt.why };
}

function billOf(failure: Failure, ceiling: MicroUsd): { readonly billed: MicroUsd; readonly possiblyBilled: MicroUsd } {
  return { billed: ZERO_USD, possiblyBilled: failure.billed === 'no' ? ZERO_USD : ceiling };
}
