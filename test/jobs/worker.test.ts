import { describe, expect, it } from 'vitest';
import type { Exclusion, Forecast, Plan, PlannedAttempt } from '../../src/domain/plan.ts';
import { StoreError } from '../../src/domain/store-error.ts';
import type { RouteId } from '../../src/domain/vocabulary.ts';
import { createWorker } from '../../src/jobs/worker.ts';
import { systemIds } from '../../src/system/ids.ts';
import { costOf, usd } from '../gateway/support/state-world.ts';
import { useWorlds, World } from '../support/router-world.ts';
import { targetNamed } from '../support/worlds.ts';
import { clockOff, JobsWorld, type Process, quiet, until } from './support/jobs-world.ts';
import { CEILING, PRICE, USAGE } from './support/scripted-router.ts';

const jobOf = ({ jobs }: Process, id = 'a') => jobs.find('key', id);
const hasEnded = async (process: Process, id = 'a'): Promise<boolean> => (await jobOf(process, id))?.endedAt !== undefined;
const eventsOf = async ({ jobs }: Process, id = 'a') => (await jobs.events('key', id, 0)).map(({ kind }) => kind);

describe('a worker', () => {
  it('makes a job: every call written down, its picture put away, its cost known', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => hasEnded(here));
    const job = await jobOf(here);
    expect(job).toMatchObject({
      state: 'completed',
      runs: 1,
      cost: costOf(PRICE),
      traceId: 'req_1',
      images: [{ width: 1024, bytes: 26, usage: USAGE }],
    });
    const [image] = job?.images ?? [];
    expect(new TextDecoder().decode(world.blobs.kept.get(image?.blob ?? ''))).toBe('final of a fox, a by req_1');
    expect(await eventsOf(here)).toEqual(['job.queued', 'job.running', 'attempt.start', 'attempt.end', 'job.completed']);
    expect(world.traces).toEqual(['req_1']);
    expect(here.trouble).toEqual([]);
  });

  it('gives a run the time until the deadline and the money that is left, not what the request says', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const request = { prompt: 'x', latencyBudgetMs: 5, maxCostUsd: 9 };
    await here.jobs.accept([world.newJob('a', { request, maxCost: usd(70_000), deadlineAt: world.now + 90_000 })]);
    await world.pass(10_000);
    here.worker();
    await until(() => hasEnded(here));
    expect(world.router.makings[0]?.request).toEqual({ prompt: 'x', latencyBudgetMs: 80_000, maxCostUsd: 0.07 });
  });

  it('makes no more at a time than it may, and takes the next as soon as one ends', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const gates = new Map<string, () => void>();
    world.router.upstream = (line) => new Promise((resolve) => gates.set(line.requestId, resolve));
    await here.jobs.accept(['a', 'b', 'c', 'd', 'e'].map((id) => world.newJob(id)));
    const worker = here.worker({ concurrency: 2 });
    await until(() => gates.size === 2);
    await quiet();
    expect([worker.running, await here.jobs.depth()]).toEqual([2, { queued: 3, running: 2 }]);
    for (let made = 1; made <= 5; made += 1) {
      await until(() => gates.has(`req_${made}`));
      expect(worker.running).toBeLessThanOrEqual(2);
      gates.get(`req_${made}`)?.();
    }
    await until(async () => (await here.jobs.depth()).running === 0);
    expect(world.router.ledger).toHaveLength(5);
  });

  it('waits longer each time providers fail, and makes the job when they are back', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const starts: number[] = [];
    world.router.script = async (making) => {
      starts.push(world.now);
      if (starts.length > 4) return making.deliver(await making.call(1));
      await making.turnedAway(1);
      return making.fail('providers_failed');
    };
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => starts.length === 1);
    for (const waitS of [5, 15, 45, 135]) {
      await quiet();
      expect(await jobOf(here)).toMatchObject({ state: 'queued', error: undefined });
      await world.pass(waitS * 1_000 + 2_000);
    }
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'completed', runs: 5, cost: costOf(PRICE) });
    const waits = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    // It looks every two seconds.
    for (const [index, waitMs] of [5_000, 15_000, 45_000, 135_000].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(waitMs);
      expect(waits[index]).toBeLessThanOrEqual(waitMs + 2_000);
    }
  });

  it('begins a job that would get less than it needs once the sick route is well, and makes it with what it is given then', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const wellAt = world.now + 60_000;
    world.router.plan = (onceWell) => (onceWell || world.now >= wellAt ? WHOLE : BELOW);
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(async () => (await jobOf(here))?.runs === 1);
    await quiet();
    expect(await jobOf(here)).toMatchObject({ state: 'queued' });
    for (let left = 120_000; left > 0 && !(await hasEnded(here)); left -= 2_000) {
      await quiet();
      await world.pass(2_000);
    }
    expect(await jobOf(here)).toMatchObject({ state: 'completed', cost: costOf(PRICE) });
    expect((await jobOf(here))?.startedAt).toBeGreaterThanOrEqual(wellAt);
    expect(world.router.makings.map(({ options }) => options.priority)).toEqual([-100]);
  });

  it('ends a job at once that is itself to blame', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    world.router.script = async (making) => {
      await making.call(1);
      return making.fail(making.request.prompt.endsWith('a') ? 'refused' : 'invalid_request', {
        problems: [{ field: 'size', rule: 'must be smaller', value: undefined, remedy: undefined }],
      });
    };
    await here.jobs.accept([world.newJob('a'), world.newJob('b')]);
    here.worker();
    await until(async () => (await hasEnded(here, 'a')) && hasEnded(here, 'b'));
    const problems = [{ field: 'size', rule: 'must be smaller' }];
    expect(await jobOf(here, 'a')).toMatchObject({ state: 'failed', runs: 1, error: { code: 'refused', problems }, cost: costOf(PRICE) });
    expect(await jobOf(here, 'b')).toMatchObject({ state: 'failed', runs: 1, error: { code: 'invalid_request' } });
  });

  it('never spends more than the cap over all runs, calls that may have been billed included', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const budgets: (number | undefined)[] = [];
    world.router.script = async (making) => {
      budgets.push(making.request.maxCostUsd);
      await making.call(1);
      return making.fail('providers_failed');
    };
    await here.jobs.accept([world.newJob('a', { maxCost: usd(2 * PRICE) })]);
    here.worker();
    await until(() => budgets.length === 1);
    await world.pass(8_000);
    await until(() => hasEnded(here));
    expect(budgets).toEqual([0.0118, 0.0059]);
    expect(await jobOf(here)).toMatchObject({ state: 'failed', error: { code: 'price_cap_reached' }, cost: costOf(2 * PRICE) });
  });

  it('stops a running job that is cancelled, and it ends with what it cost', async () => {
    const world = await JobsWorld.open();
    const [here, elsewhere] = [world.process(), world.process()];
    world.router.upstream = () => new Promise(() => undefined);
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => world.router.ledger.length === 1);
    await elsewhere.jobs.cancel('key', 'a', world.now);
    await world.pass(2_000);
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'cancelled', error: undefined, cost: costOf(0, CEILING) });
  });

  it('hears of a cancel in its own process without waiting for its next beat', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    world.router.upstream = () => new Promise(() => undefined);
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => world.router.ledger.length === 1);
    await here.jobs.cancel('key', 'a', world.now);
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'cancelled' });
  });

  it('lets what runs end when it is drained, and hands the rest back, which counts as no death', async () => {
    const world = await JobsWorld.open();
    const [here, next] = [world.process(), world.process()];
    const gates = new Map<string, () => void>();
    world.router.upstream = (line) => new Promise((resolve) => gates.set(line.requestId, resolve));
    await here.jobs.accept(['a', 'b', 'c'].map((id) => world.newJob(id)));
    const worker = here.worker({ concurrency: 2 });
    await until(() => gates.size === 2);
    const drained = worker.drain(30_000);
    await world.pass(20_000);
    gates.get('req_1')?.();
    await until(() => hasEnded(here, 'a'));
    // It takes nothing more while it drains.
    expect(await jobOf(here, 'c')).toMatchObject({ state: 'queued', runs: 0 });
    await world.pass(11_000);
    await drained;
    expect(await jobOf(here, 'b')).toMatchObject({ state: 'queued', runs: 1, cost: costOf(0, CEILING) });
    const handedBack = (await here.jobs.events('key', 'b', 0)).filter(({ kind }) => kind === 'job.queued').at(-1);
    expect(handedBack?.data).toMatchObject({ reason: { code: 'worker_stopped' } });
    world.router.upstream = async () => undefined;
    next.worker();
    await until(async () => (await hasEnded(next, 'b')) && hasEnded(next, 'c'));
    expect(await jobOf(next, 'b')).toMatchObject({ state: 'completed', runs: 2, cost: costOf(PRICE, CEILING) });
  });

  it('that is stopped with fifty jobs in flight hands all of them back, and each is made (reliability.md #15)', async () => {
    const world = await JobsWorld.open();
    const [here, next] = [world.process(), world.process()];
    world.router.upstream = () => new Promise(() => undefined);
    const ids = Array.from({ length: 50 }, (_, index) => `job ${index}`);
    await here.jobs.accept(ids.map((id) => world.newJob(id)));
    const worker = here.worker({ concurrency: 50 });
    await until(() => world.router.ledger.length === 50);
    const drained = worker.drain(1_000);
    await world.pass(2_000);
    await drained;
    expect(await here.jobs.depth()).toEqual({ queued: 50, running: 0 });
    world.router.upstream = async () => undefined;
    next.worker({ concurrency: 50 });
    await until(async () => (await next.jobs.depth()).queued + (await next.jobs.depth()).running === 0);
    for (const id of ids) expect(await jobOf(next, id)).toMatchObject({ state: 'completed', runs: 2, cost: costOf(PRICE, CEILING) });
  });

  it('says that it lives for as long as it drains', async () => {
    const world = await JobsWorld.open();
    let beats = 0;
    const here = world.process((port, name) => (name === 'jobs' ? watched(port, (method) => (beats += Number(method === 'beat'))) : port));
    let open = (): void => undefined;
    world.router.upstream = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    await here.jobs.accept([world.newJob('a')]);
    const worker = here.worker();
    await until(() => world.router.ledger.length === 1);
    const drained = worker.drain(60_000);
    await quiet();
    const before = beats;
    await world.pass(20_000);
    expect(beats - before).toBeGreaterThanOrEqual(9);
    open();
    await drained;
    expect(await jobOf(here)).toMatchObject({ state: 'completed', runs: 1 });
  });

  it('that is stopped while it claims hands back what it is given, unmade', async () => {
    const world = await JobsWorld.open();
    const claiming = Promise.withResolvers<void>();
    const claimed = Promise.withResolvers<void>();
    const here = world.process((port, name) =>
      name !== 'jobs'
        ? port
        : watched(port, async (method) => {
            if (method !== 'claim') return;
            claiming.resolve();
            await claimed.promise;
          }),
    );
    await here.jobs.accept([world.newJob('a')]);
    const worker = here.worker();
    await claiming.promise;
    const drained = worker.drain(600_000);
    claimed.resolve();
    await drained;
    expect(await jobOf(here)).toMatchObject({ state: 'queued', runs: 1, cost: costOf(0) });
    expect(world.router.makings).toEqual([]);
  });

  it('that is stopped while the store is away gives up in bounded time, and leaves nothing waiting behind', async () => {
    const world = await JobsWorld.open();
    let isAway = false;
    const here = world.process((port, name) =>
      name !== 'jobs'
        ? port
        : watched(port, () => {
            if (isAway) throw new StoreError('the database is away');
          }),
    );
    world.router.upstream = () => new Promise(() => undefined);
    await here.jobs.accept([world.newJob('a')]);
    const worker = here.worker();
    await until(() => world.router.ledger.length === 1);
    isAway = true;
    let isDrained = false;
    void worker.drain(2_000).then(() => {
      isDrained = true;
    });
    await world.pass(15_000);
    expect([isDrained, worker.running, world.clock.timerCount]).toEqual([true, 0, 0]);
    // Its call is on record, for whoever takes the job over when the process is gone.
    expect(await here.jobs.attempts('key', 'a')).toMatchObject([{ attempt: 1, end: undefined }]);
  });

  it('that is taken for dead and lives stops making the job, and writes nothing', async () => {
    const world = await JobsWorld.open();
    const asked: string[] = [];
    const here = world.process((port, name) => (name === 'jobs' ? watched(port, (method) => asked.push(method)) : port));
    const elsewhere = world.process();
    world.router.upstream = () => new Promise(() => undefined);
    await here.jobs.accept([world.newJob('a')]);
    const worker = here.worker();
    await until(() => world.router.ledger.length === 1);
    here.kill();
    expect(await elsewhere.jobs.takeOver(world.now)).toBe(1);
    world.router.upstream = async () => undefined;
    elsewhere.worker();
    await until(() => hasEnded(elsewhere));
    await world.pass(2_000);
    await until(() => worker.running === 0);
    expect(world.router.makings[0]?.isAborted).toBe(true);
    expect(asked.filter((method) => ['finish', 'retryLater', 'previewReady'].includes(method))).toEqual([]);
    expect(await jobOf(here)).toMatchObject({ state: 'completed', runs: 2, traceId: 'req_2', cost: costOf(PRICE, CEILING) });
    expect((await eventsOf(here)).filter((kind) => kind === 'job.completed')).toHaveLength(1);
  });

  it('keeps its job through a stall of five seconds, while another worker looks for dead ones (reliability.md #17)', async () => {
    const world = await JobsWorld.open();
    const [here, elsewhere] = [world.process(), world.process()];
    let open = (): void => undefined;
    world.router.upstream = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => world.router.ledger.length === 1);
    // Nothing of this process runs meanwhile, beats least of all.
    for (let second = 1; second <= 5; second += 1) expect(await elsewhere.jobs.takeOver(world.now + second * 1_000)).toBe(0);
    world.clock.advance(5_000);
    open();
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'completed', runs: 1, cost: costOf(PRICE) });
  });

  it.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
    ['a year ahead', 31_536_000_000],
    ['a year behind', -31_536_000_000],
  ])('whose clock is %s takes nothing from one that works, and loses nothing itself (reliability.md #17)', async (_, byMs) => {
    const world = await JobsWorld.open();
    const [here, elsewhere] = [world.process(), world.process()];
    const gates = new Map<string, () => void>();
    world.router.upstream = (line) => new Promise((resolve) => gates.set(line.requestId, resolve));
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => gates.size === 1);
    elsewhere.worker({ clock: clockOff(world.clock, byMs) });
    await world.pass(30_000);
    expect(await jobOf(here)).toMatchObject({ state: 'running', runs: 1 });
    gates.get('req_1')?.();
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'completed', runs: 1 });
  });

  it('goes on saying that it lives while a picture is being put away', async () => {
    const world = await JobsWorld.open();
    let beats = 0;
    const here = world.process((port, name) =>
      name !== 'jobs'
        ? port
        : watched(port, (method) => {
            if (method === 'beat') beats += 1;
          }),
    );
    let open = (): void => undefined;
    world.blobs.gate = new Promise((resolve) => {
      open = resolve;
    });
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => world.router.ledger.length === 1);
    await quiet();
    const before = beats;
    await world.pass(20_000);
    expect(beats - before).toBeGreaterThanOrEqual(9);
    open();
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'completed', runs: 1 });
  });

  it('loses no picture to a store that is away for ten minutes, and tells of the trouble once (reliability.md #16)', async () => {
    const world = await JobsWorld.open();
    let isAway = false;
    const here = world.process((port, name) =>
      name !== 'jobs'
        ? port
        : watched(port, () => {
            if (isAway) throw new StoreError('the database is away');
          }),
    );
    world.router.script = async (making) => {
      const made = await making.call(1);
      isAway = true;
      return making.deliver(made);
    };
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => isAway);
    await world.pass(600_000);
    // Its beats, and its end.
    expect(here.trouble.length).toBeLessThanOrEqual(2);
    expect(here.trouble[0]).toMatchObject({ message: 'the database is away' });
    isAway = false;
    await world.pass(6_000);
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'completed', runs: 1, cost: costOf(PRICE) });
    expect(world.router.ledger).toHaveLength(1);
  });

  it('makes no call that cannot be written down, and tries the job again later', async () => {
    const world = await JobsWorld.open();
    let isRefusing = true;
    const here = world.process((port, name) =>
      name !== 'jobs'
        ? port
        : watched(port, (method) => {
            if (method === 'startAttempt' && isRefusing) throw new StoreError('the disk is full');
          }),
    );
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => world.router.makings.length === 1);
    await world.pass(70_000);
    expect(world.router.ledger).toEqual([]);
    isRefusing = false;
    await world.pass(30_000);
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'completed', cost: costOf(PRICE) });
    expect(world.router.ledger).toHaveLength(1);
  });

  it('waits with a picture that was paid for until the disk has room for it (reliability.md #16)', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    world.blobs.isFull = true;
    await here.jobs.accept([world.newJob('a')]);
    here.worker();
    await until(() => world.router.ledger.length === 1);
    await world.pass(300_000);
    expect(await jobOf(here)).toMatchObject({ state: 'running', runs: 1 });
    world.blobs.isFull = false;
    await world.pass(6_000);
    await until(() => hasEnded(here));
    expect(world.router.ledger).toHaveLength(1);
  });

  it('shows a preview when it is there, then makes the final', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    world.router.script = async (making) => {
      await making.preview(await making.call(1, 'preview'));
      return making.deliver(await making.call(1));
    };
    await here.jobs.accept([world.newJob('a', { request: { prompt: 'x', preview: true } })]);
    here.worker();
    await until(() => hasEnded(here));
    const job = await jobOf(here);
    expect(job).toMatchObject({ state: 'completed', previews: [{ tier: 'preview' }], images: [{}], cost: costOf(2 * PRICE) });
    expect((await eventsOf(here)).filter((kind) => kind.startsWith('job'))).toEqual([
      'job.queued',
      'job.running',
      'job.preview_ready',
      'job.completed',
    ]);
    expect(world.blobs.kept.size).toBe(2);
  });

  it('makes the final alone when an earlier run has shown the preview already', async () => {
    const world = await JobsWorld.open();
    const [here, elsewhere] = [world.process(), world.process()];
    world.router.script = async (making) => {
      if (making.request.preview === true) await making.preview(await making.call(1, 'preview'));
      return making.deliver(await making.call(1));
    };
    world.router.upstream = (line) => (line.part === 'preview' ? Promise.resolve() : new Promise(() => undefined));
    await here.jobs.accept([world.newJob('a', { request: { prompt: 'x', preview: true } })]);
    here.worker();
    await until(() => world.router.ledger.length === 2);
    here.kill();
    world.router.upstream = async () => undefined;
    await elsewhere.jobs.takeOver(world.now);
    elsewhere.worker();
    await until(() => hasEnded(elsewhere));
    expect(world.router.makings[1]).toMatchObject({ request: { preview: false }, options: { isTested: true } });
    expect(await jobOf(elsewhere)).toMatchObject({ state: 'completed', previews: [{}], cost: costOf(2 * PRICE, CEILING) });
  });

  it('ends a job that breaks it, and goes on with the others', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    world.router.script = async (making) => {
      if (making.request.prompt.endsWith('a')) throw new TypeError('undefined is not a function');
      return making.deliver(await making.call(1));
    };
    await here.jobs.accept([world.newJob('a'), world.newJob('b')]);
    here.worker();
    await until(async () => (await hasEnded(here, 'a')) && hasEnded(here, 'b'));
    const error = { code: 'internal_error', message: expect.not.stringContaining('undefined is not') };
    expect(await jobOf(here, 'a')).toMatchObject({ state: 'failed', error });
    expect(await jobOf(here, 'b')).toMatchObject({ state: 'completed' });
    expect(here.trouble).toMatchObject([{ message: 'undefined is not a function' }]);
  });

  it('ends as expired what waited too long, whoever notices it', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    await here.jobs.accept([world.newJob('a', { deadlineAt: world.now + 1_000 })]);
    await world.pass(1_000);
    here.worker();
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'expired', runs: 0, error: { code: 'deadline_exceeded' } });
    expect(world.router.makings).toEqual([]);
  });

  it('gives a job whose reference picture is gone no chance to be made without it', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    await here.jobs.accept([world.newJob('a', { request: { prompt: 'x', referenceBlobs: ['gone'] } })]);
    here.worker();
    await until(() => hasEnded(here));
    expect(await jobOf(here)).toMatchObject({ state: 'failed', error: { code: 'file_unreadable' } });
    expect(world.router.makings).toEqual([]);
  });

  it('refuses to make a fraction of a job at a time', async () => {
    const world = await JobsWorld.open();
    expect(() => world.process().worker({ concurrency: 0.5 })).toThrow(/concurrency must be a whole number above 0, got 0.5/);
  });
});

describe('a worker over the real router', () => {
  useWorlds();

  it('shows the low render of the policy’s precheck as the preview, and tells what a render is expected to take', async () => {
    const world = await JobsWorld.open();
    const { jobs } = world.process();
    const { router, openai, clock } = new World();
    await jobs.accept([world.newJob('a', { request: { prompt: 'a jazz poster', policy: 'poster' as never }, maxCost: usd(1_000_000) })]);
    const parts = { store: jobs, blobs: world.blobs, router, clock, ids: systemIds() };
    const worker = createWorker({ ...parts, name: 'w', onTrouble: (error) => expect(error).toBeUndefined(), keepTrace: () => undefined });
    worker.start();
    await until(() => openai.calls.length === 1);
    expect(openai.calls[0]?.call.route.id).toBe('gpt-image-2-low');
    openai.calls[0]?.deliver();
    await until(() => openai.calls.length === 2);
    expect(await jobs.find('key', 'a')).toMatchObject({
      state: 'preview_ready',
      previews: [{ tier: 'preview' }],
      expectedMs: expect.any(Number),
    });
    openai.calls[1]?.deliver();
    await until(async () => (await jobs.find('key', 'a'))?.state === 'completed');
    expect(await jobs.find('key', 'a')).toMatchObject({ images: [{ tier: 'premium', route: 'gpt-image-2-high' }] });
    expect((await jobs.attempts('key', 'a')).map(({ part, route }) => [part, route])).toEqual([
      ['preview', 'gpt-image-2-low'],
      [undefined, 'gpt-image-2-high'],
    ]);
    await worker.drain(0);
  });

  it('makes no second test render of a job whose preview was shown', async () => {
    const world = await JobsWorld.open();
    const { jobs } = world.process();
    const { router, openai, clock } = new World();
    await jobs.accept([world.newJob('a', { request: { prompt: 'a jazz poster', policy: 'poster' as never }, maxCost: usd(1_000_000) })]);
    const [claimed] = await jobs.claim('gone', 1, world.now);
    if (claimed === undefined) throw new Error('a job was to be had');
    const shown = { blob: 'p', sha256: '', bytes: 1, format: 'png', width: 1, height: 1, tier: 'preview' } as const;
    await jobs.previewReady(claimed.fence, [{ ...shown, route: 'gpt-image-2-low' as never }], [], world.now);
    await jobs.beat('gone', [], world.now);
    const parts = { store: jobs, blobs: world.blobs, router, clock, ids: systemIds() };
    const worker = createWorker({ ...parts, name: 'w', onTrouble: (error) => expect(error).toBeUndefined(), keepTrace: () => undefined });
    worker.start();
    await until(() => openai.calls.length === 1);
    expect(openai.calls[0]?.call.route.id).toBe('gpt-image-2-high');
    openai.calls[0]?.deliver();
    await until(async () => (await jobs.find('key', 'a'))?.state === 'completed');
    await worker.drain(0);
  });
});

function planOf(route: string, below: Forecast['below'], excluded: readonly Exclusion[]): Plan {
  const target = targetNamed(route);
  const forecast = { target, below } as Forecast;
  const attempt = { target, route: route as RouteId } as PlannedAttempt;
  const costs = { chance: 1, expectedCost: PRICE, worstCost: CEILING, expectedValueUsd: 1 };
  return { kind: 'plan', attempts: [attempt], forecasts: [forecast], excluded, ...costs };
}
const WHOLE = planOf('gpt-image-2-high', [], []);
const BELOW = planOf(
  'nano-banana-pro',
  ['visual'],
  [{ route: 'gpt-image-2-high' as RouteId, target: targetNamed('gpt-image-2-high'), reason: 'breaker-open', detail: 'sick' }],
);

/** The same port; `before` hears every call, and may throw or hold it up. */
function watched<Port extends object>(port: Port, before: (method: string) => unknown): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      if (name === 'subscribe') return found.bind(target);
      return async (...rest: unknown[]) => {
        await before(String(name));
        return Reflect.apply(found, target, rest);
      };
    },
  });
}
