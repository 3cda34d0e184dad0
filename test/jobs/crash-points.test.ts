// A worker's process ends at every point at which it waits for anything (reliability.md #15): before or after a write reached
// the store, the blob store or the provider. Whatever the point, another worker takes the job over, and the books agree.
import { describe, expect, it } from 'vitest';
import { hasEnded } from '../../src/domain/job.ts';
import { NO_LIMITS } from '../../src/gateway/limits/no-limits.ts';
import { usd } from '../gateway/support/state-world.ts';
import { JobsWorld, type Process, quiet, until } from './support/jobs-world.ts';
import { CEILING, PRICE, type Script } from './support/scripted-router.ts';

const SCRIPTS: readonly (readonly [string, boolean, Script])[] = [
  ['one call', false, async (making) => making.deliver(await making.call(1))],
  [
    'a fallback',
    false,
    async (making) => {
      await making.turnedAway(1);
      return making.deliver(await making.call(2));
    },
  ],
  [
    'a preview, then the final',
    true,
    async (making) => {
      if (making.request.preview === true) await making.preview(await making.call(1, 'preview'));
      return making.deliver(await making.call(1));
    },
  ],
];

/** Where a process ends: at its so manieth step, before the step had its effect or after. `undefined`: it lives. */
type End = { readonly step: number; readonly isAfter: boolean } | undefined;

class Mortal {
  steps = 0;
  isDead = false;
  readonly #end: End;
  readonly #die: () => void;

  constructor(end: End, die: () => void) {
    this.#end = end;
    this.#die = die;
  }

  /** One step; nothing a dead process asks for happens, and it hears no answer. */
  async step<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.isDead) return never();
    this.steps += 1;
    const isHere = this.#end?.step === this.steps;
    if (isHere && !this.#end?.isAfter) return this.#dies();
    const result = await act();
    if (isHere) return this.#dies();
    // It died of something else meanwhile.
    return this.isDead ? never() : result;
  }

  #dies(): Promise<never> {
    this.isDead = true;
    this.#die();
    return never();
  }

  wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== 'function') return found;
        if (name === 'subscribe') return () => () => undefined;
        return (...rest: unknown[]) => this.step(async () => Reflect.apply(found, target, rest));
      },
    });
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

async function lifeOf(script: Script, hasPreview: boolean, end: End) {
  const world = await JobsWorld.open();
  let kill = (): void => undefined;
  const mortal = new Mortal(end, () => kill());
  const [first, second] = [world.process((port) => mortal.wrap(port)), world.process()];
  kill = first.kill;
  await second.store.reserve({
    ...{ id: 'a', principal: 'key', images: 1, microUsd: usd(100_000), limits: NO_LIMITS, at: world.now, keptBy: 'job' },
  });
  await second.jobs.accept([world.newJob('a', { request: { prompt: 'x', preview: hasPreview } })]);
  world.router.script = script;
  world.router.upstream = () => mortal.step(async () => undefined);
  first.worker();
  const isOver = async (): Promise<boolean> => hasEnded((await second.jobs.find('key', 'a'))?.state ?? 'queued');
  await until(async () => mortal.isDead || (await isOver()));
  await quiet();
  const steps = mortal.steps;
  const made = world.router.ledger.length;
  if (!(await isOver())) {
    world.router.upstream = async () => undefined;
    second.worker();
    await until(isOver);
  }
  await world.pass(4_000);
  return { world, second, steps, made };
}

async function checkBooks(world: JobsWorld, { jobs, store }: Process): Promise<void> {
  const job = await jobs.find('key', 'a');
  const events = await jobs.events('key', 'a', 0);
  const attempts = await jobs.attempts('key', 'a');
  // It ended, once, with what it was to show.
  expect(job).toMatchObject({ state: 'completed', images: [{}] });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ kind }) => kind === 'job.completed')).toHaveLength(1);
  for (const { blob } of [...(job?.images ?? []), ...(job?.previews ?? [])]) expect(world.blobs.kept.has(blob)).toBe(true);
  // No call was made that is not written down, and of none is it unknown how it ended but the one that ran when its run died.
  const unknown = attempts.filter(({ end }) => end?.outcome === 'unknown');
  expect(attempts.every(({ end }) => end !== undefined)).toBe(true);
  for (let run = 1; run <= (job?.runs ?? 0); run += 1) expect(unknown.filter((each) => each.run === run).length).toBeLessThanOrEqual(1);
  const delivered = attempts.filter(({ end }) => end?.outcome === 'delivered').length;
  expect(world.router.ledger.length).toBeGreaterThanOrEqual(delivered);
  expect(world.router.ledger.length).toBeLessThanOrEqual(delivered + unknown.length);
  // Every cent: what is known is billed, the rest counts at its ceiling, and the key's books say the same.
  const cost = { billed: delivered * PRICE, possiblyBilled: unknown.length * CEILING };
  expect(job?.cost).toEqual(cost);
  expect((await store.spendOf('key'))[0]).toMatchObject({ ...cost, reserved: 0 });
}

describe.each(SCRIPTS)('a job of %s, whose worker’s process ends at any point', (_, hasPreview, script) => {
  it('is not lost, does not end twice, and makes no call that is not written down', async () => {
    const alive = await lifeOf(script, hasPreview, undefined);
    await checkBooks(alive.world, alive.second);
    expect((await alive.second.jobs.find('key', 'a'))?.runs).toBe(1);
    expect(alive.steps).toBeGreaterThan(6);
    const takenOver: number[] = [];
    for (let step = 1; step <= alive.steps; step += 1) {
      for (const isAfter of [false, true]) {
        const { world, second } = await lifeOf(script, hasPreview, { step, isAfter });
        await checkBooks(world, second);
        const runs = (await second.jobs.find('key', 'a'))?.runs ?? 0;
        expect(runs).toBeLessThanOrEqual(2);
        if (runs === 2) takenOver.push(step);
      }
    }
    // The points were real ones: most of them leave a job to be taken over.
    expect(takenOver.length).toBeGreaterThan(6);
  });
});

describe('a job whose preview was shown before its worker died', () => {
  it('is not previewed a second time, wherever afterwards that was', async () => {
    const [, , script] = SCRIPTS[2] ?? [];
    if (script === undefined) throw new Error('there is a script with a preview');
    const { steps } = await lifeOf(script, true, undefined);
    let shownBefore = 0;
    for (let step = 1; step <= steps; step += 1) {
      const { world, second } = await lifeOf(script, true, { step, isAfter: true });
      const events = await second.jobs.events('key', 'a', 0);
      const again = events.findLastIndex(({ kind }) => kind === 'job.running');
      const shown = events.findIndex(({ kind }) => kind === 'job.preview_ready');
      if (shown === -1 || shown > again) continue;
      shownBefore += 1;
      expect(world.router.makings.at(-1)?.request.preview).toBe(false);
      expect((await second.jobs.find('key', 'a'))?.previews).toHaveLength(1);
    }
    expect(shownBefore).toBeGreaterThan(2);
  });
});
