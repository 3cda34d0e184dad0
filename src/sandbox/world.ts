// Everything one running sandbox remembers, in one place: the clock, the catalogue it serves, the books, the rules that
// break it, and what it has counted. Reset makes a world new without closing its socket.
import type { Route } from '../domain/route.ts';
import type { InstantMs } from '../domain/time.ts';
import type { LatencyProfile } from '../domain/vocabulary.ts';
import type { Clock } from '../system/clock.ts';
import type { Face, ImageCall } from './call.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { createInjector, type Injector } from './faults/injector.ts';
import type { FaultRule, FaultScript } from './faults/rule.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type Bucket, fullBucket, type Taking, take } from './model/bucket.ts';
import type { DrawKey } from './model/draws.ts';
import type { PictureWeight } from './pictures/render.ts';
import { createPictureStore, type PictureStore } from './pictures/store.ts';
import { createTimers, type Timers } from './timers.ts';

export type WorldSettings = {
  readonly routes: readonly Route[];
  readonly clock: Clock;
  readonly seed: string | number;
  readonly profile: LatencyProfile;
  readonly apiKey: string;
  readonly imagesPerMinute: Readonly<Record<Face, number>>;
  readonly script: FaultScript;
  readonly pictures: PictureWeight;
  readonly latency: 'model' | 'none';
  readonly baselineFaults: boolean;
  /** How many times faster than the true calendar incidents come and go; undefined: none do. */
  readonly incidentsFaster: number | undefined;
  readonly drift: boolean;
  readonly billRefusedOutput: boolean;
};

/** What a reset throws away. */
type Memory = {
  readonly startedAt: InstantMs;
  readonly ledger: Ledger;
  readonly injector: Injector;
  readonly buckets: Map<string, Bucket>;
  readonly occurrences: Map<string, number>;
  readonly faults: Map<string, number>;
};

export type World = {
  readonly settings: WorldSettings;
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  readonly timers: Timers;
  readonly pictures: PictureStore;
  memory: Memory;
  /** Requests since the process started: names those that never become calls. */
  requests: number;
  inFlight: number;
};

export function createWorld(settings: WorldSettings): World {
  return {
    settings,
    clock: settings.clock,
    catalogue: catalogueOf(settings.routes),
    timers: createTimers(settings.clock),
    pictures: createPictureStore(settings.pictures),
    memory: freshMemory(settings.clock.now(), settings.script.rules),
    requests: 0,
    inFlight: 0,
  };
}

export function resetWorld(world: World): void {
  world.memory = freshMemory(world.clock.now(), world.settings.script.rules);
}

function freshMemory(startedAt: InstantMs, rules: readonly FaultRule[]): Memory {
  const injector = createInjector();
  for (const rule of rules) injector.inject(rule);
  return { startedAt, ledger: createLedger(), injector, buckets: new Map(), occurrences: new Map(), faults: new Map() };
}

/** World milliseconds since the sandbox started, or was reset. */
export function elapsedMs(world: World): number {
  return world.clock.now() - world.memory.startedAt;
}

/** Distinct questions remembered; a forgotten one merely starts counting again. */
const MAX_QUESTIONS = 50_000;

/** Names the call for the behaviour model's draws, and counts it. */
export function drawKeyOf(world: World, call: ImageCall): DrawKey {
  const { occurrences } = world.memory;
  const inputs = call.references.map((reference) => `|${reference.digest}`).join('');
  const question = [call.face, call.route.id, call.size.width, call.size.height, call.n, call.prompt].join('|') + inputs;
  const occurrence = (occurrences.get(question) ?? 0) + 1;
  if (occurrences.size >= MAX_QUESTIONS) occurrences.clear();
  occurrences.set(question, occurrence);
  return { seed: world.settings.seed, question, occurrence };
}

/** Takes the call's images from its model's allowance at its face. */
export function takeAllowance(world: World, call: ImageCall): Taking | undefined {
  const perMinute = world.settings.imagesPerMinute[call.face];
  if (!Number.isFinite(perMinute)) return undefined;
  const now = world.clock.now();
  const name = `${call.face}|${call.model}`;
  const taking = take(world.memory.buckets.get(name) ?? fullBucket(perMinute, now), call.n, now);
  world.memory.buckets.set(name, taking.bucket);
  return taking;
}

export function httpDateIn(world: World, delayMs: number): string {
  const date = world.clock.wall();
  date.setTime(date.getTime() + delayMs);
  return date.toUTCString();
}
