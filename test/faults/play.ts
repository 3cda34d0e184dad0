// Plays one fault case for true: both official SDKs over real sockets against the sandbox, on a scaled clock. What comes
// out is what a caller would have got, told from the router's side and from the sandbox's books.
import { builtInRoutes } from '../../routes/index.ts';
import { isImageRouterError } from '../../src/domain/error.ts';
import type { Fault } from '../../src/domain/failure.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '../../src/domain/money.ts';
import type { Trace } from '../../src/domain/trace.ts';
import { createImageRouter, type ImageRequest, type ImageResult } from '../../src/index.ts';
import { type FaultRule, type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';

export type FaultCase = {
  /** What is broken, for people: `OpenAI: outage`. */
  readonly name: string;
  readonly rules: readonly FaultRule[];
  readonly request: ImageRequest;
  /** Streamed calls ask for interim pictures: some faults only exist there. */
  readonly isStreamed?: boolean;
  /** How it must end: the delivering route, or the error code. Several where only the clock decides between them. */
  readonly ends: string | readonly string[];
  /** What the first failing attempt must have been recognised as; undefined when none may fail. */
  readonly fault: Fault | undefined;
};

export type Played = {
  readonly ended: string;
  readonly seconds: number;
  readonly fault: Fault | undefined;
  readonly attempts: number;
  readonly billed: MicroUsd;
  readonly possiblyBilled: MicroUsd;
  /** What the sandbox billed in all. */
  readonly ledger: MicroUsd;
  readonly trace: Trace;
};

/** World seconds pass this much faster; every case has room for a hundred milliseconds of true work. */
export const CASE_SPEED = 60;

export async function playCase(fault: FaultCase): Promise<Played> {
  // Reading a stream costs real milliseconds; in too fast a world they would be the seconds in which a hedge wins.
  const speed = fault.isStreamed === true ? CASE_SPEED / 4 : CASE_SPEED;
  const clock = systemClock(speed);
  const sandbox = await startSandbox({ routes: builtInRoutes, clock, seed: fault.name, pictures: 'tiny' });
  const router = createImageRouter({ endpoints: [...sandbox.endpoints], speed }, { clock });
  try {
    await router.ready();
    for (const rule of fault.rules) sandbox.inject(rule);
    const outcome = await router.generate(fault.request, fault.isStreamed ? { onPartial: () => {} } : {}).then(delivered, failed);
    await quiet(sandbox);
    const ledger = sandbox.ledger().reduce<MicroUsd>((sum, row) => addUsd(sum, row.billed), ZERO_USD);
    return { ...outcome, ledger };
  } finally {
    await router.close();
    await sandbox.close();
  }
}

/** A cancelled call goes on upstream and is billed when it ends: the books are read when nothing is generated any more. */
async function quiet(sandbox: Sandbox): Promise<void> {
  while (sandbox.stats().generating > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

function delivered(result: ImageResult): Omit<Played, 'ledger'> {
  return { ended: result.route, ...told(result.trace) };
}

function failed(error: unknown): Omit<Played, 'ledger'> {
  if (!isImageRouterError(error) || error.trace === undefined) throw error;
  return { ended: error.code, ...told(error.trace) };
}

function told(trace: Trace): Omit<Played, 'ledger' | 'ended'> {
  const ends = trace.events.filter((event) => event.kind === 'attempt-end');
  const first = ends.flatMap((event) =>
    event.end.kind === 'failed' && event.end.failure.fault !== 'cancelled' ? [event.end.failure.fault] : [],
  );
  const last = trace.events.findLast((event) => event.kind === 'end');
  return {
    seconds: (last?.atMs ?? 0) / 1_000,
    fault: first[0],
    attempts: trace.events.filter((event) => event.kind === 'attempt-start').length,
    billed: last?.billed ?? ZERO_USD,
    possiblyBilled: last?.possiblyBilled ?? ZERO_USD,
    trace,
  };
}
