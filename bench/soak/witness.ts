// Listens to everything the router tells, as telemetry would, and keeps what the checks need: how each run ended and what
// each call is said to have cost. It knows nothing of callers, so both sides can be compared.
import type { Fault } from '../../src/domain/failure.ts';
import type { RouterEvent } from '../../src/index.ts';

/** A call that was sent and has ended, in micro-dollars. */
export type SentCall = {
  readonly requestId: string | undefined;
  readonly delivered: boolean;
  readonly fault: Fault | undefined;
  readonly billed: number;
  readonly possiblyBilled: number;
};

export class Witness {
  readonly calls: SentCall[] = [];
  readonly openings = new Map<string, number>();
  readonly broken: string[] = [];
  hedges = 0;
  started = 0;
  /** `request/part` -> whether it has ended. */
  readonly #runs = new Map<string, boolean>();

  readonly listener = (told: RouterEvent): void => {
    if (told.kind === 'breaker-change') {
      if (told.to === 'open') this.openings.set(told.target, (this.openings.get(told.target) ?? 0) + 1);
      return;
    }
    // A precheck belongs to the request before any of its runs.
    if (told.kind !== 'request' || told.event.kind === 'precheck') return;
    const { requestId, event } = told;
    const run = `${requestId}/${event.part ?? 'only'}`;
    if (this.#runs.get(run) === true) this.broken.push(`${run} went on after its end with ${event.kind}`);
    this.#runs.set(run, event.kind === 'end');
    if (event.kind === 'attempt-start') {
      this.started += 1;
      if (event.role === 'hedge') this.hedges += 1;
    }
    if (event.kind === 'attempt-end' && event.end.kind !== 'not-sent') {
      const fault = event.end.kind === 'failed' ? event.end.failure.fault : undefined;
      const { requestId: id, billed, possiblyBilled } = event;
      this.calls.push({ requestId: id, delivered: event.end.kind === 'delivered', fault, billed, possiblyBilled });
    }
  };

  get runs(): number {
    return this.#runs.size;
  }

  unended(): readonly string[] {
    return [...this.#runs].filter(([, hasEnded]) => !hasEnded).map(([run]) => run);
  }
}
