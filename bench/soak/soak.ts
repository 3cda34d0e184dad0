// One soak from opening to closing: a sandbox with bad weather, a router on both real SDKs, all callers, then the checks.
// The world runs `speed` times as fast; the sockets, the SDKs and the event loop are real.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtInRoutes } from '../../routes/index.ts';
import { createImageRouter } from '../../src/index.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';
import { seededRandom } from '../../src/system/random.ts';
import { type Fact, playCallers } from './calls.ts';
import * as checks from './checks.ts';
import { ARRIVAL_GAP_MS, drawCallers, makeMaterial } from './load.ts';
import { weatherOf } from './weather.ts';
import { type SentCall, Witness } from './witness.ts';

export type SoakOptions = {
  readonly requests: number;
  readonly seed: number;
  /** World seconds per real second. Every real stall of the event loop counts this many times over. */
  readonly speed: number;
};

export type SoakReport = {
  readonly violations: readonly string[];
  readonly facts: readonly Fact[];
  readonly calls: readonly SentCall[];
  readonly hedges: number;
  readonly runs: number;
  /** Target -> how often its breaker opened. */
  readonly openings: ReadonlyMap<string, number>;
  /** Injected fault -> calls it met. */
  readonly faults: Readonly<Record<string, number>>;
  /** Micro-dollars in the provider's books. */
  readonly ledgerBilled: number;
  readonly orphaned: number;
  /** Real milliseconds. */
  readonly tookMs: number;
  readonly longestStallMs: number;
};

/**
 * Real time by which an end may come late beside the longest stall of the event loop that was measured meanwhile: promises
 * and events that queue up behind a stall are served one after another, and each of a hundred may plan anew.
 */
const SLACK_REAL_MS = 1_000;
/** Idle client sockets are closed by their server's end at once; this is for the last of them to notice. */
const LOOSE_ENDS_MS = 10_000;
const LOOK_MS = 50;
/** Every request has ended by then: nothing is left to wait for. */
const CLOSES_WITHIN_MS = 5_000;

/** Never rejects for what the router does: breaches are in `violations`. */
export async function soak({ requests, seed, speed }: SoakOptions): Promise<SoakReport> {
  const startedAt = performance.now();
  const callers = drawCallers(requests, seed, await makeMaterial());
  const resourcesBefore = process.getActiveResourcesInfo();
  const stalls = monitorEventLoopDelay();
  stalls.enable();
  const clock = systemClock(speed);
  const witness = new Witness();
  const sandbox = await startSandbox({
    routes: builtInRoutes,
    clock,
    seed,
    pictures: 'light',
    imagesPerMinute: { openai: 60, google: 60 },
    script: weatherOf(requests * ARRIVAL_GAP_MS),
  });
  const router = createImageRouter(
    { endpoints: [...sandbox.endpoints, ...sandbox.aggregator], speed },
    { clock, random: seededRandom(seed), listener: witness.listener },
  );
  await router.ready();
  const { facts, broken, listenersLeft } = await playCallers(router, clock, callers);
  await settled(sandbox);
  const health = router.health();
  const ledger = sandbox.ledger();
  const { faults, billed, orphaned } = sandbox.stats();
  const hasClosed = await Promise.race([router.close().then(() => true), sleep(CLOSES_WITHIN_MS, false, { ref: false })]);
  await sandbox.close();
  const resourcesAfter = await withoutLooseEnds(resourcesBefore);
  stalls.disable();
  const longestStallMs = stalls.max / 1e6;
  return {
    violations: [
      ...broken,
      ...checks.everyRequestEndedOnce(requests, facts, witness),
      ...checks.nobodyWaitedTooLong(facts, (SLACK_REAL_MS + longestStallMs) * speed),
      ...checks.promisesToCallersWereKept(facts),
      ...checks.moneyAgrees(witness.calls, ledger),
      ...checks.nothingIsInFlight(health),
      ...(hasClosed ? [] : [`the router did not close within ${CLOSES_WITHIN_MS} ms: a request is still open`]),
      ...checks.nothingIsHeld(resourcesBefore, resourcesAfter, listenersLeft),
    ],
    facts,
    calls: witness.calls,
    hedges: witness.hedges,
    runs: witness.runs,
    openings: witness.openings,
    faults,
    ledgerBilled: billed,
    orphaned,
    tookMs: performance.now() - startedAt,
    longestStallMs,
  };
}

/** Until the model has finished for those who left, too: only then are the books closed. */
async function settled(sandbox: Sandbox): Promise<void> {
  while (sandbox.stats().generating > 0) await sleep(LOOK_MS);
}

/** What the process holds once sockets had time to close; gives up waiting after a while, which is then the finding. */
async function withoutLooseEnds(before: readonly string[]): Promise<readonly string[]> {
  const until = performance.now() + LOOSE_ENDS_MS;
  for (;;) {
    const now = process.getActiveResourcesInfo();
    if (performance.now() > until || checks.nothingIsHeld(before, now, 0).length === 0) return now;
    await sleep(LOOK_MS);
  }
}
