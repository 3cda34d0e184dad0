// Carries out what `advance` decides: queues, sends, aborts, wakes, and feeds what happens back as events. It decides
// nothing itself. One driver lives as long as its run; everything it holds (timer, listener, lane place) is given back
// when the run ends or, for a call that still runs upstream, when that call settles.
import { createHash } from 'node:crypto';
import type { Failure } from '../domain/failure.ts';
import type { Attachments } from '../domain/image.ts';
import type { MicroUsd } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Plan } from '../domain/plan.ts';
import { deliveredCostOf } from '../domain/price.ts';
import type { Target, TargetId } from '../domain/route.ts';
import type { InstantMs } from '../domain/time.ts';
import type { AttemptNumber, RunPart, TraceEvent } from '../domain/trace.ts';
import type { HealthView } from '../domain/view.ts';
import type { RouteId } from '../domain/vocabulary.ts';
import { plannedShapeOf } from '../plan/call-shape.ts';
import type { PartialImage, ProviderCall, ProviderReply } from '../providers/provider.ts';
import type { CancelTimer } from '../system/clock.ts';
import { tell } from '../telemetry/event.ts';
import { advance, begin, type NewRun, type Step } from './advance.ts';
import type { Ticket } from './breaker.ts';
import type { Engine, Subscriber } from './engine.ts';
import type { Slot } from './lanes.ts';
import type { Effect, Finish, Run, RunEvent, SlotAdmission } from './run.ts';

/** A call about to be made. `ceiling`: what it costs at most. */
export type UpcomingCall = {
  readonly requestId: string;
  readonly part: RunPart | undefined;
  readonly attempt: AttemptNumber;
  readonly target: TargetId;
  readonly route: RouteId;
  readonly ceiling: MicroUsd;
};
export type BeforeCall = (call: UpcomingCall) => Promise<void>;

export type Driven = {
  readonly finish: Finish;
  readonly run: Run;
  readonly events: readonly TraceEvent[];
  /** The reply of the attempt that was delivered; undefined when the run failed. */
  readonly reply: Delivered | undefined;
};

export type DriveOptions = {
  readonly requestId: string;
  /** Which run of the request this is; undefined when it is the only one. */
  readonly part: RunPart | undefined;
  /** In the queue before every route; higher goes first. */
  readonly priority: number;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: TraceEvent) => void) | undefined;
  readonly attachments: Attachments;
  /** Whether images keep the base64 they came in. */
  readonly keepEncoded: boolean;
  /** Waited for before every call; undefined: nobody asks. */
  readonly beforeCall: BeforeCall | undefined;
  /** Hears interim pictures; undefined: calls are not streamed. */
  readonly onPartial: ((attempt: AttemptNumber, partial: PartialImage) => void) | undefined;
};

/** Runs a request from its first plan to its end. Never rejects for what providers do; the finish says how it ended. */
export function drive(engine: Engine, run: NewRun, first: Plan, options: DriveOptions): Promise<Driven> {
  return new Promise((resolve) => new Driver(engine, options, resolve).start(run, first));
}

type Delivered = Extract<ProviderReply, { kind: 'delivered' }>;

/** What the driver holds for one attempt. */
type Hold = {
  readonly target: Target;
  /** Ends the wait in the lane; once the call is sent, the call. */
  readonly leaving: AbortController;
  slot: Slot | undefined;
  ticket: Ticket | undefined;
  sentAt: InstantMs | undefined;
  /** Evidence was given already: the run stopped waiting before the provider settled. */
  reported: boolean;
  reply: Delivered | undefined;
};

class Driver implements Subscriber {
  readonly #engine: Engine;
  readonly #options: DriveOptions;
  readonly #resolve: (driven: Driven) => void;
  readonly #events: TraceEvent[] = [];
  readonly #holds = new Map<AttemptNumber, Hold>();
  /** What happened while something else was being carried out. */
  #pending: RunEvent[] | undefined;
  #run: Run | undefined;
  #isBusy = false;
  #timer: CancelTimer | undefined;
  #wakeAt: InstantMs | undefined;

  constructor(engine: Engine, options: DriveOptions, resolve: (driven: Driven) => void) {
    this.#engine = engine;
    this.#options = options;
    this.#resolve = resolve;
    engine.subscribe(this);
  }

  start(run: NewRun, first: Plan): void {
    const { signal } = this.#options;
    const now = this.#engine.clock.now();
    this.#engine.retries.countRequest(now);
    this.#isBusy = true;
    this.#take(begin(run, first, now, this.#viewAt(now)));
    this.#isBusy = false;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    this.#drain();
  }

  healthChanged(target: TargetId, cause: string): void {
    // A call that only waits in its lane is told by the breaker when its turn comes: planning ten thousand of them anew at
    // once would stop the process for seconds.
    const isConcerned = this.#run?.attempts.some((attempt) => attempt.phase === 'sent' && attempt.target.id === target) ?? false;
    if (isConcerned) this.#dispatch({ kind: 'health-change', cause });
  }

  readonly #onAbort = (): void => this.#dispatch({ kind: 'caller-gone' });

  /** Events are handled one at a time: an effect that causes an event has it wait its turn. */
  #dispatch(event: RunEvent): void {
    if (this.#isBusy) {
      this.#pending ??= [];
      this.#pending.push(event);
    } else this.#drain(event);
  }

  #drain(first?: RunEvent): void {
    this.#isBusy = true;
    for (let event = first ?? this.#pending?.shift(); event !== undefined; event = this.#pending?.shift()) {
      if (this.#run === undefined) break;
      const now = this.#engine.clock.now();
      this.#take(advance(this.#run, event, now, this.#viewAt(now)));
    }
    this.#pending = undefined;
    this.#isBusy = false;
  }

  #viewAt(now: InstantMs): HealthView {
    return this.#engine.viewAt(now, this.#options.priority);
  }

  #take([run, effects]: Step): void {
    this.#run = run;
    for (const effect of effects) this.#carryOut(effect, run);
  }

  #carryOut(effect: Effect, run: Run): void {
    switch (effect.kind) {
      case 'record':
        this.#record(effect.event);
        return;
      case 'enqueue':
        this.#enqueue(effect, run.need);
        return;
      case 'send':
        this.#send(effect.attempt, run.need);
        return;
      case 'release':
        this.#release(effect.attempt);
        return;
      case 'abort':
        this.#abort(effect.attempt, effect.failure);
        return;
      case 'wake-at':
        this.#wakeLater(effect.at);
        return;
      case 'finish':
        this.#finish(effect.finish, run);
        return;
    }
  }

  #record(bare: TraceEvent): void {
    const { part } = this.#options;
    const event: TraceEvent = part === undefined ? bare : { ...bare, part };
    this.#events.push(event);
    tell(this.#options.onEvent, event);
    tell(this.#engine.listener, { kind: 'request', requestId: this.#options.requestId, event });
  }

  #enqueue({ attempt, target, role }: Extract<Effect, { kind: 'enqueue' }>, need: Need): void {
    const hold: Hold = {
      target,
      leaving: new AbortController(),
      slot: undefined,
      ticket: undefined,
      sentAt: undefined,
      reported: false,
      reply: undefined,
    };
    this.#holds.set(attempt, hold);
    if (role === 'retry') this.#engine.retries.countRetry(this.#engine.clock.now());
    void this.#engine.lanes.enter(target.id, { priority: this.#options.priority, signal: hold.leaving.signal }).then((slot) => {
      if (slot === 'aborted') return;
      if (slot !== 'full') hold.slot = slot;
      const admission = slot === 'full' ? LANE_FULL : this.#admit(hold, need);
      const { beforeCall } = this.#options;
      if (beforeCall === undefined || admission.kind === 'rejected') this.#dispatch({ kind: 'slot', attempt, admission });
      else
        this.#announce(beforeCall, attempt, hold, need).then(
          () => this.#dispatch({ kind: 'slot', attempt, admission }),
          () => this.#dispatch({ kind: 'caller-gone' }),
        );
    });
  }

  /** Still queued while it is being written down: whatever ends the run meanwhile also ends this call, unmade. */
  async #announce(beforeCall: BeforeCall, attempt: AttemptNumber, { target }: Hold, need: Need): Promise<void> {
    const { requestId, part } = this.#options;
    const { ceiling } = plannedShapeOf(target.route, need).price;
    await beforeCall({ requestId, part, attempt, target: target.id, route: target.route.id, ceiling });
  }

  #admit(hold: Hold, need: Need): SlotAdmission {
    const answer = this.#engine.breakers.admit(hold.target.id, need.operation);
    if (answer.kind === 'rejected') return { kind: 'rejected', reason: 'breaker-open', detail: answer.reason };
    hold.ticket = answer.ticket;
    return { kind: answer.kind };
  }

  #send(attempt: AttemptNumber, need: Need): void {
    const hold = this.#holds.get(attempt);
    if (hold === undefined) throw new Error(`invariant: attempt ${attempt} is sent but was never queued`);
    hold.sentAt = this.#engine.clock.now();
    const shape = plannedShapeOf(hold.target.route, need);
    this.#engine.callStarted(this.#callId(attempt), hold.target.id, need.operation, shape.latency);
    const onPartial = this.#options.onPartial && ((partial: PartialImage) => this.#options.onPartial?.(attempt, partial));
    const call = toCall(hold.target, need, shape.size, this.#options, onPartial);
    const settle = (reply: ProviderReply): void => {
      hold.slot?.release();
      if (reply.kind === 'delivered') this.#takeImages(attempt, hold, need, reply);
      else this.#takeFailure(attempt, hold, reply.failure, reply.requestId);
    };
    const provider = this.#engine.providers[hold.target.route.provider];
    void provider.generate(call, hold.leaving.signal).then(settle, (error: unknown) => settle(brokenPort(error)));
  }

  #takeImages(attempt: AttemptNumber, hold: Hold, need: Need, reply: Delivered): void {
    const { route } = hold.target;
    const { priced, price } = plannedShapeOf(route, need);
    const cost = reply.usage === undefined ? price.expected : deliveredCostOf(route.price, priced, reply.usage);
    hold.reply = reply;
    this.#report(attempt, hold, { evidence: 'for', latencyMs: this.#ageOf(hold), failure: undefined });
    const { requestId, usage } = reply;
    this.#dispatch({ kind: 'delivered', attempt, cost, requestId, ...(usage === undefined ? {} : { usage }) });
  }

  #takeFailure(attempt: AttemptNumber, hold: Hold, failure: Failure, requestId: string | undefined): void {
    this.#report(attempt, hold, { evidence: failure.evidence, latencyMs: undefined, failure });
    const tries = [...this.#holds.values()].filter((other) => other.target.id === hold.target.id).length;
    const backoffMs = this.#engine.retries.backoffMs(failure, tries, this.#engine.clock.now());
    this.#dispatch({ kind: 'failed', attempt, failure, requestId, backoffMs });
  }

  #abort(attempt: AttemptNumber, failure: Failure): void {
    const hold = this.#holds.get(attempt);
    if (hold === undefined) return;
    this.#report(attempt, hold, { evidence: failure.evidence, latencyMs: undefined, failure });
    hold.leaving.abort();
  }

  #report(attempt: AttemptNumber, hold: Hold, report: Parameters<Engine['callEnded']>[2]): void {
    if (hold.reported || hold.ticket === undefined) return;
    hold.reported = true;
    this.#engine.callEnded(this.#callId(attempt), hold.ticket, report);
  }

  #release(attempt: AttemptNumber): void {
    const hold = this.#holds.get(attempt);
    hold?.leaving.abort();
    hold?.slot?.release();
    if (hold?.ticket) this.#engine.breakers.settle(hold.ticket, 'unused');
  }

  #wakeLater(at: InstantMs): void {
    if (this.#wakeAt === at) return;
    this.#timer?.();
    this.#wakeAt = at;
    this.#timer = this.#engine.clock.timer(Math.max(0, at - this.#engine.clock.now()), () => {
      this.#wakeAt = undefined;
      this.#dispatch({ kind: 'wake' });
    });
  }

  #finish(finish: Finish, run: Run): void {
    this.#timer?.();
    this.#engine.unsubscribe(this);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    const reply = finish.kind === 'delivered' ? this.#holds.get(finish.attempt)?.reply : undefined;
    for (const hold of this.#holds.values()) hold.reply = undefined;
    this.#resolve({ finish, run, events: this.#events, reply });
  }

  #ageOf(hold: Hold): number | undefined {
    return hold.sentAt === undefined ? undefined : this.#engine.clock.now() - hold.sentAt;
  }

  #callId(attempt: AttemptNumber): string {
    return `${this.#options.requestId}/${this.#options.part ?? 'only'}/${attempt}`;
  }
}

/** A provider that rejects has broken its contract; the request is not to hang for it. */
function brokenPort(error: unknown): ProviderReply {
  const message = error instanceof Error ? error.message : 'the provider adapter failed';
  const failure: Failure = {
    kind: 'unknown',
    fault: 'server-error',
    retry: 'other',
    evidence: 'ignored',
    scope: 'route',
    retryAfterMs: undefined,
    billed: 'possibly',
    message,
    status: undefined,
  };
  return { kind: 'failed', failure, requestId: undefined };
}

const LANE_FULL: SlotAdmission = { kind: 'rejected', reason: 'lane-full', detail: 'too many requests already wait for this route' };

function toCall(
  target: Target,
  need: Need,
  size: ProviderCall['size'],
  { attachments, keepEncoded }: Pick<DriveOptions, 'attachments' | 'keepEncoded'>,
  onPartial: ProviderCall['onPartial'],
): ProviderCall {
  return {
    endpoint: target.endpoint,
    route: target.route,
    prompt: need.prompt,
    size,
    deliver: need.size,
    n: need.n,
    attachments,
    onPartial,
    format: need.format,
    compression: need.compression,
    keepEncoded,
    background: need.background,
    endUser: need.tenant === undefined ? undefined : createHash('sha256').update(need.tenant).digest('hex').slice(0, 32),
  };
}
