// Plays one scene: a sandbox and a router of its own on one clock (or a router on the real providers), one request or one
// batch, and the books read once the last call upstream has ended.
import { compose } from '../../compose.ts';
import { type ImageRouterError, isImageRouterError } from '../../domain/error.ts';
import { addCosts, type Cost, NO_COST } from '../../domain/result.ts';
import type { ImageRequest, ImageRouter } from '../../index.ts';
import type { ResolvedOptions } from '../../options.ts';
import type { BatchItem } from '../../router/batch.ts';
import { type Sandbox, startSandbox } from '../../sandbox/index.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import { costOfFailure } from '../cost.ts';
import { durationText } from '../duration-text.ts';
import type { Io } from '../io.ts';
import { startLiveLine } from '../live-line.ts';
import { type Place, writeImages } from '../output-files.ts';
import { showProgress } from '../progress.ts';
import type { BatchPicture, Ending, Episode } from './episode.ts';
import type { Scene, SceneBatch } from './scenes.ts';

/** The same latencies, faults and pictures every time. */
const SEED = 'image-router demo';

export type Stage = {
  readonly options: ResolvedOptions;
  /** Undefined: each scene at its own speed. Real providers: 1. */
  readonly speed: number | undefined;
  readonly isReal: boolean;
  readonly folder: string;
  /** Scenes already played: an edit works from a picture of theirs. */
  readonly earlier: readonly Episode[];
};

export async function play(scene: Scene, stage: Stage, io: Io): Promise<Episode> {
  const clock = systemClock(stage.isReal ? 1 : (stage.speed ?? scene.speed));
  const sandbox = stage.isReal ? undefined : await openSandbox(scene, stage.options, clock);
  const endpoints = sandbox?.endpoints ?? stage.options.endpoints;
  const router = compose({ ...stage.options, endpoints, speed: clock.speed }, { clock });
  const reference = pictureOf(scene.edits, stage.earlier);
  const request = reference === undefined ? scene.request : { ...scene.request, referenceImages: [reference] };
  const on: On = { router, clock, stage, io };
  try {
    await router.ready();
    const { need, plan } = router.explain(request);
    const played = scene.batch === undefined ? await playOne(scene, request, on) : await playBatch(scene, scene.batch, on);
    const ledgerBilled = sandbox === undefined ? undefined : await settledBooks(sandbox, clock);
    return { scene, speed: clock.speed, need, plan, ...played, ledgerBilled, reference };
  } finally {
    await router.close();
    await sandbox?.close();
  }
}

function pictureOf(id: string | undefined, earlier: readonly Episode[]): Uint8Array | undefined {
  const ending = earlier.find(({ scene }) => scene.id === id)?.ending;
  return ending?.kind === 'delivered' ? ending.result.images[0]?.bytes : undefined;
}

async function openSandbox(scene: Scene, options: ResolvedOptions, clock: Clock): Promise<Sandbox> {
  const sandbox = await startSandbox({ routes: options.routes, clock, seed: SEED, profile: options.latencyProfile, pictures: 'honest' });
  if (scene.fault !== undefined) sandbox.inject(scene.fault);
  return sandbox;
}

/** What a scene is played on. */
type On = { readonly router: ImageRouter; readonly clock: Clock; readonly stage: Stage; readonly io: Io };
type Played = Pick<Episode, 'events' | 'ending' | 'cost'>;

async function playOne(scene: Scene, request: ImageRequest, on: On): Promise<Played> {
  const ending = await run(scene, request, on);
  const trace = ending.kind === 'delivered' ? ending.result.trace : ending.error.trace;
  return { events: trace?.events ?? [], ending, cost: costOfFailure(trace) ?? NO_COST };
}

async function run(scene: Scene, request: ImageRequest, { router, clock, stage, io }: On): Promise<Exclude<Ending, { kind: 'batch' }>> {
  const progress = showProgress(io, clock);
  try {
    const result = await router.generate(request, {
      signal: io.signal,
      onEvent: progress.onEvent,
      onPreview: (preview) => {
        progress.note(preview.elapsedMs, 'preview is here');
        return 'continue';
      },
    });
    if (result.preview !== undefined) await writeImages(result.preview, placeOf(`${scene.id}-preview`, stage), io.cwd);
    return { kind: 'delivered', result, files: await writeImages(result, placeOf(scene.id, stage), io.cwd) };
  } catch (error) {
    return { kind: 'failed', error: expected(error) };
  } finally {
    progress.close();
  }
}

async function playBatch(
  scene: Scene,
  { prompts, concurrency, maxCostUsd }: SceneBatch,
  { router, clock, stage, io }: On,
): Promise<Played> {
  const startedAt = clock.now();
  const pictures = new Map<number, BatchPicture>();
  let cost = NO_COST;
  const line = startLiveLine(
    io,
    clock,
    () => `${durationText(clock.now() - startedAt).padStart(8)}  ${pictures.size} of ${prompts.length}...`,
  );
  try {
    const requests = prompts.map((prompt) => ({ ...scene.request, prompt }));
    for await (const item of router.batch(requests, { concurrency, maxCostUsd, signal: io.signal })) {
      if (item.kind === 'failed') expected(item.error);
      pictures.set(item.index, pictureIn(item));
      cost = addCosts(cost, costOf(item));
      if (item.kind === 'delivered') await writeImages(item.result, placeOf(`${scene.id}-${item.index + 1}`, stage), io.cwd);
      line.draw();
    }
  } finally {
    line.close();
  }
  const items = prompts.flatMap((_, index) => pictures.get(index) ?? []);
  return { events: [], ending: { kind: 'batch', items, elapsedMs: clock.now() - startedAt }, cost };
}

function placeOf(name: string, { folder }: Stage): Place {
  return { folder, pattern: `${name}.{ext}`, kind: 'given' };
}

function pictureIn(item: BatchItem): BatchPicture {
  const { prompt } = item.request;
  switch (item.kind) {
    case 'delivered':
      return { prompt, route: item.result.route, elapsedMs: item.result.elapsedMs, image: item.result.images[0]?.bytes };
    case 'failed':
      return { prompt, route: item.error.code, elapsedMs: item.error.trace?.events.at(-1)?.atMs ?? 0, image: undefined };
    case 'skipped':
      return { prompt, route: item.reason, elapsedMs: 0, image: undefined };
  }
}

function costOf(item: BatchItem): Cost {
  if (item.kind === 'delivered') return item.result.cost;
  return (item.kind === 'failed' ? costOfFailure(item.error.trace) : undefined) ?? NO_COST;
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
