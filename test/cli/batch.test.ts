import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { barText } from '../../src/cli/batch/batch-progress.ts';
import { counted, emptyTally } from '../../src/cli/batch/tally.ts';
import { microUsd } from '../../src/domain/money.ts';
import { formatSize } from '../../src/domain/size.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';
import { run, type Setting, temporaryFolder } from './terminal.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const PREVIEW = { tier: 'preview', latencyBudgetMs: 60_000, format: 'webp' };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ routes: builtInRoutes, clock: systemClock(20), pictures: 'light' });
});
beforeEach(() => sandbox.reset());
afterAll(() => sandbox.close());

type Line = Readonly<Record<string, unknown>>;
type Result = { readonly id: string; readonly outcome: string; readonly code?: string; readonly files?: readonly { name: string }[] };

function write(cwd: string, jobs: readonly Line[]): void {
  writeFileSync(join(cwd, 'jobs.jsonl'), jobs.map((job) => `${JSON.stringify({ ...PREVIEW, ...job })}\n`).join(''));
}

function batch(cwd: string, flags: readonly string[] = [], setting: Setting = {}) {
  return run(['batch', 'jobs.jsonl', '--out', 'out', '--sandbox-url', sandbox.url, ...flags], { cwd, ...setting });
}

function results(cwd: string): readonly Result[] {
  const lines = readFileSync(join(cwd, 'out', 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line));
}

function images(cwd: string): readonly string[] {
  return readdirSync(join(cwd, 'out'))
    .filter((name) => name.endsWith('.webp'))
    .sort();
}

describe('batch', () => {
  it('names images after ids, or line numbers, and takes references from beside the jobs file', async () => {
    const cwd = temporaryFolder();
    await sharp({ create: { width: 256, height: 256, channels: 3, background: '#c60' } })
      .png()
      .toFile(join(cwd, 'fox.png'));
    write(cwd, [
      { prompt: 'a fox' },
      { id: 'owls', prompt: 'owls', n: 2 },
      { id: 'edit', prompt: 'at night', referenceImages: ['fox.png'] },
    ]);
    const { exit, out, err } = await batch(cwd);
    expect({ exit, err }).toMatchObject({ exit: 0 });
    expect(images(cwd)).toEqual(['1.webp', 'edit.webp', 'owls-1.webp', 'owls-2.webp']);
    expect(results(cwd)).toHaveLength(3);
    expect(out).toContain('3: 3 delivered');
    expect(err.trim().split('\n')).toHaveLength(3);
    expect(sandbox.ledger().some(({ references }) => references === 1)).toBe(true);
    expect((await sharp(join(cwd, 'out', 'edit.webp')).metadata()).format).toBe('webp');
  });

  it('what is there is not asked for again; a changed request, a changed reference or a missing file is', async () => {
    const cwd = temporaryFolder();
    const reference = (background: string) => sharp({ create: { width: 256, height: 256, channels: 3, background } }).png();
    await reference('#c60').toFile(join(cwd, 'fox.png'));
    const jobs = [
      { id: 'a', prompt: 'a' },
      { id: 'b', prompt: 'b' },
      { id: 'c', prompt: 'c', referenceImages: ['fox.png'] },
      { id: 'd', prompt: 'd' },
    ];
    write(cwd, jobs);
    await batch(cwd);
    const sent = sandbox.ledger().length;
    const again = await batch(cwd, ['--json']);
    expect(again.exit).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({ total: 4, already: 4, delivered: 0, cost: { billedUsd: 0 } });
    expect(sandbox.ledger()).toHaveLength(sent);
    rmSync(join(cwd, 'out', 'a.webp'));
    await reference('#06c').toFile(join(cwd, 'fox.png'));
    write(
      cwd,
      jobs.map((job) => (job.id === 'b' ? { ...job, prompt: 'another b' } : job)),
    );
    expect(JSON.parse((await batch(cwd, ['--json'])).out)).toMatchObject({ already: 1, delivered: 3 });
  });

  it('one failure loses no sibling, ends in 5, and is tried again', async () => {
    const cwd = temporaryFolder();
    write(cwd, [
      { id: 'a', prompt: 'a' },
      { id: 'bad', prompt: 'graphic gore' },
      { id: 'c', prompt: 'c' },
    ]);
    const first = await batch(cwd);
    expect(first.exit).toBe(5);
    expect(first.out).toContain('2 delivered, 1 failed');
    expect(first.err).toContain('bad  refused:');
    expect(images(cwd)).toEqual(['a.webp', 'c.webp']);
    expect(results(cwd).find(({ id }) => id === 'bad')).toMatchObject({ outcome: 'failed', code: 'refused' });
    expect((await batch(cwd)).exit).toBe(5);
    expect(
      results(cwd)
        .map(({ id }) => id)
        .filter((id) => id === 'bad'),
    ).toHaveLength(2);
  });

  it('a torn last line is a job not done, and does not spoil the line after it', async () => {
    const cwd = temporaryFolder();
    write(cwd, [
      { id: 'a', prompt: 'a' },
      { id: 'b', prompt: 'b' },
    ]);
    await batch(cwd);
    const file = join(cwd, 'out', 'results.jsonl');
    const lines = readFileSync(file, 'utf8');
    writeFileSync(file, lines.slice(0, -20));
    expect(JSON.parse((await batch(cwd, ['--json'])).out)).toMatchObject({ already: 1, delivered: 1 });
    expect(JSON.parse((await batch(cwd, ['--json'])).out)).toMatchObject({ already: 2, delivered: 0 });
  });

  it('a kill between the line and the name is completed, not paid for again', async () => {
    const cwd = temporaryFolder();
    write(cwd, [{ id: 'a', prompt: 'a' }]);
    await batch(cwd);
    const sent = sandbox.ledger().length;
    const [line] = readFileSync(join(cwd, 'out', 'results.jsonl'), 'utf8').split('\n');
    const { hash } = JSON.parse(line ?? '');
    renameSync(join(cwd, 'out', 'a.webp'), join(cwd, 'out', `a.webp.${hash.slice(0, 8)}.part`));
    expect(JSON.parse((await batch(cwd, ['--json'])).out)).toMatchObject({ already: 1, delivered: 0 });
    expect(images(cwd)).toEqual(['a.webp']);
    expect(sandbox.ledger()).toHaveLength(sent);
  });

  it('a cap counts what earlier runs of the folder spent; what it leaves out ends in 3', async () => {
    const cwd = temporaryFolder();
    write(cwd, [{ id: 'a', prompt: 'a', maxCostUsd: 0.02 }]);
    await batch(cwd);
    const sent = sandbox.ledger().length;
    write(
      cwd,
      ['a', 'b'].map((id) => ({ id, prompt: id, maxCostUsd: 0.02 })),
    );
    const { exit, out, err } = await batch(cwd, ['--max-cost', '0.01']);
    expect(exit).toBe(3);
    expect(out).toContain('1 already there, 1 skipped');
    expect(out).toMatch(/with earlier runs \$0\.00\d+ of \$0\.01/);
    expect(err).toContain('b  skipped: needs $0.00');
    expect(sandbox.ledger()).toHaveLength(sent);
    expect((await batch(cwd, ['--max-cost', '0.10'])).exit).toBe(0);
  });

  it('Ctrl-C starts nothing more, says what may have been billed, ends in 130, and can be gone on from', async () => {
    const cwd = temporaryFolder();
    write(
      cwd,
      // The first is done long before the one beside it.
      Array.from({ length: 6 }, (_, index) => ({ id: `job-${index}`, prompt: `job ${index}`, tier: index === 0 ? 'preview' : 'standard' })),
    );
    const controller = new AbortController();
    const onErr = (text: string): void => {
      if (text.includes('1/6')) controller.abort();
    };
    const { exit, out } = await batch(cwd, ['--concurrency', '2'], { signal: controller.signal, onErr });
    expect(exit).toBe(130);
    expect(out).toMatch(/cancelled.*not started/);
    expect(out).toContain('possibly billed');
    const { already, delivered } = JSON.parse((await batch(cwd, ['--json'])).out);
    expect(already).toBeGreaterThan(0);
    expect(already + delivered).toBe(6);
  });

  it('killed and run again, it pays for nothing on disk twice', async () => {
    const cwd = temporaryFolder();
    // A size of its own tells in the provider's books which job a call was for.
    const sizes = Array.from({ length: 8 }, (_, index) => `${1024 + 16 * index}x1024`);
    write(
      cwd,
      sizes.map((size) => ({ id: size, prompt: 'a fox', size })),
    );
    await killedAfter(3, cwd);
    const callsBySize = () => Map.groupBy(sandbox.ledger(), ({ size }) => formatSize(size));
    const before = callsBySize();
    const onDisk = images(cwd);
    expect(onDisk.length).toBeGreaterThanOrEqual(3);
    expect(onDisk.length).toBeLessThan(8);
    const { exit, out } = await batch(cwd, ['--json']);
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ total: 8, already: onDisk.length, delivered: 8 - onDisk.length });
    const after = callsBySize();
    for (const name of onDisk) {
      const size = name.replace('.webp', '');
      expect(before.get(size)?.length).toBeGreaterThan(0);
      expect(after.get(size)?.length).toBe(before.get(size)?.length);
    }
    expect(images(cwd)).toHaveLength(8);
    for (const name of images(cwd)) expect((await sharp(join(cwd, 'out', name)).stats()).channels.length).toBeGreaterThan(2);
  });

  it('the bar shows counts, what runs and what was spent', () => {
    const cost = { billed: microUsd(0.25), possiblyBilled: microUsd(0.06) };
    const tally = { ...counted(counted(emptyTally(4), 'delivered', cost), 'already', undefined), running: 2 };
    expect(barText(tally)).toBe('[============>           ] 2/4  1 delivered, 1 already there, 2 running  $0.31');
  });
});

/** Runs the batch as a process of its own and kills it, without a warning, once so many jobs are told to be finished. */
function killedAfter(jobs: number, cwd: string): Promise<void> {
  const argv = [MAIN, 'batch', 'jobs.jsonl', '--out', 'out', '--concurrency', '2', '--sandbox-url', sandbox.url];
  const child = spawn(process.execPath, argv, { cwd, env: { PATH: process.env.PATH, NO_COLOR: '1' } });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
    if (err.includes(`${jobs}/8`)) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.on('close', () => resolve()));
}
