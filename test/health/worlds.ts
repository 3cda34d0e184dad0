// Small worlds for the health tests: the built-in routes as targets, instants in seconds, and calls that arrive on a beat.

import { builtInRoutes } from '../../routes/index.ts';
import { priorDistribution } from '../../src/domain/latency.ts';
import { type Route, type Target, targetId } from '../../src/domain/route.ts';
import type { InstantMs } from '../../src/domain/time.ts';
import { EndpointIdSchema } from '../../src/domain/vocabulary.ts';
import { Detector } from '../../src/health/detector.ts';
import { seededRandom } from '../../src/system/random.ts';

export const SQUARE = { size: { width: 1024, height: 1024 }, resolution: undefined, n: 1, references: 0, complexity: 'normal' } as const;

export function seconds(value: number): InstantMs {
  return Math.round(value * 1_000) as InstantMs;
}

export function routeNamed(id: string): Route {
  const route = builtInRoutes.find((candidate) => candidate.id === id);
  if (route === undefined) throw new RangeError(`no built-in route is called ${id}`);
  return route;
}

export function targetNamed(id: string): Target {
  const route = routeNamed(id);
  const endpoint = EndpointIdSchema.parse(route.provider);
  return { id: targetId(route.id, endpoint), route, endpoint };
}

type World = {
  readonly routeId: string;
  /** Calls sent from second 0 on take this many times their healthy latency; Infinity never ends. */
  readonly slowdown: number;
  /** Seconds between calls. */
  readonly beat?: number;
  /** Undefined: every healthy call takes exactly the median. */
  readonly seed?: number;
};

/** Seconds from the fault, at second 0, to the alarm: healthy field latencies before, polled every tenth of a second. */
export function secondsToNotice({ routeId, slowdown, beat = 2, seed }: World): number | undefined {
  const prior = routeNamed(routeId).latency.field;
  const latency = priorDistribution(prior, 1);
  const random = seededRandom(seed ?? 0);
  const detector = new Detector(prior.success);
  const ends = new Map<string, number>();
  const warmUp = Math.ceil((prior.medianSeconds * 12) / beat) * beat;
  for (let tenth = -warmUp * 10; tenth < 20_000; tenth += 1) {
    const now = tenth / 10;
    for (const [id, end] of ends) {
      if (end > now) continue;
      detector.callEnded(id, { evidence: 'for', answered: true }, seconds(now));
      ends.delete(id);
    }
    if (tenth % (beat * 10) === 0) {
      const healthyMs = latency.quantile(seed === undefined ? 0.5 : random.next() || 0.5);
      detector.callStarted(`${tenth}`, prior.medianSeconds * 1_000, 100, seconds(now));
      ends.set(`${tenth}`, now + (healthyMs / 1_000) * (now < 0 ? 1 : slowdown));
    }
    if (detector.verdict(seconds(now)).kind === 'alarm') return now;
  }
  return undefined;
}
