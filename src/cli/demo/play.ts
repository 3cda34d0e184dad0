// Plays one scene: a sandbox and a router of its own on one clock (or a router on the real providers), one request, and
// the books read once the last call upstream has ended.
import { compose } from '../../compose.ts';
import { type ImageRouterError, isImageRouterError } from '../../domain/error.ts';
import { ZERO_USD } from '../../domain/money.ts';
import type { Cost } from '../../domain/result.ts';
import type { ImageRouter } from '../../index.ts';
import type { ResolvedOptions } from '../../options.ts';
import { type Sandbox, startSandbox } from '../../sandbox/index.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import { costInTrace } from '../cost.ts';
import type { Io } from '../io.ts';
import { type Place, writeImages } from '../output-files.ts';
import { showProgress } from '../progress.ts';
import type { Ending, Episode } from './episode.ts';
import type { Scene } from './scenes.ts';

/** The same latencies, faults and pictures every time. */
const SEED = 'image-router demo';
const FREE: Cost = { billed: ZERO_USD, possiblyBilled: ZERO_USD };

export type Stage = {
  readonly options: ResolvedOptions;
  /** Undefined: each scene at its own speed. Real providers: 1. */
  readonly speed: number | undefined;
  readonly isReal: boolean;
  readonly folder: string;
};

export async function play(scene: Scene, stage: Stage, io: Io): Promise<Episode> {
  const clock = systemClock(stage.isReal ? 1 : (stage.speed ?? scene.speed));
  const sandbox = stage.isReal ? undefined : await openSandbox(scene, stage.options, clock);
  const endpoints = sandbox?.endpoints ?? stage.options.endpoints;
  const router = compose({ ...stage.options, endpoints, speed: clock.speed }, { clock });
  try {
    const { need, plan } = router.explain(scene.request);
    const ending = await run(router, scene, stage, clock, io);
    const trace = ending.kind === 'delivered' ? ending.result.trace : ending.error.trace;
    const ledgerBilled = sandbox === undefined ? undefined : await settledBooks(sandbox, clock);
    return { scene, speed: clock.speed, need, plan, events: trace?.events ?? [], ending, cost: costInTrace(trace) ?? FREE, ledgerBilled };
  } finally {
    await router.close();
    await sandbox?.close();
  }
}

async function openSandbox(scene: Scene, options: ResolvedOptions, clock: Clock): Promise<Sandbox> {
  const sandbox = await startSandbox({ routes: options.routes, clock, seed: SEED, profile: options.latencyProfile, pictures: 'honest' });
  if (scene.fault !== undefined) sandbox.inject(scene.fault);
  return sandbox;
}

async function run(router: ImageRouter, scene: Scene, stage: Stage, clock: Clock, io: Io): Promise<Ending> {
  const progress = showProgress(io, clock);
  try {
    const result = await router.generate(scene.request, { signal: io.signal, onEvent: progress.onEvent });
    const place: Place = { folder: stage.folder, pattern: `${scene.id}.{ext}`, kind: 'given' };
    return { kind: 'delivered', result, files: await writeImages(result, place, io.cwd) };
  } catch (error) {
    return { kind: 'failed', error: expected(error) };
  } finally {
    progress.close();
  }
}

/** A cancelled demo ends; any other public error is an ending of the scene. */
function expected(error: unknown): ImageRouterError {
  if (!isImageRouterError(error) || error.code === 'cancelled') throw error;
  return error;
}

/** World milliseconds between two looks at the books, and how often to look before taking them as they are. */
const LOOK_MS = 1_000;
const MOST_LOOKS = 600;

/** What was billed, once every call that the model works on has ended. */
async function settledBooks(sandbox: Sandbox, clock: Clock): Promise<ReturnType<Sandbox['stats']>['billed']> {
  for (let look = 0; look < MOST_LOOKS && sandbox.stats().generating > 0; look += 1) {
    await new Promise<void>((resolve) => clock.timer(LOOK_MS, resolve));
  }
  return sandbox.stats().billed;
}
