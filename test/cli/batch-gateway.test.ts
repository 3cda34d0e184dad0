// `image-router batch --gateway`: the jobs file goes to a whole gateway as a batch, before a sandbox whose ledger says what was paid.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { type OpenGateway, openGateway } from '../../src/cli/serve/open-gateway.ts';
import { DEFAULT_SETTINGS } from '../../src/gateway/config/settings.ts';
import { resolveOptions } from '../../src/options.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';
import { run, type Setting, temporaryFolder } from './terminal.ts';

const SPEED = 50;
const ROW = { tier: 'preview', format: 'webp', size: '1024x1024' };

let sandbox: Sandbox;
let gateway: OpenGateway;
let dataDir: string;
let cwd: string;
beforeEach(async () => {
  [dataDir, cwd] = [temporaryFolder(), temporaryFolder()];
  sandbox = await startSandbox({ routes: builtInRoutes, clock: systemClock(SPEED), pictures: 'light', profile: 'brief' });
  const options = resolveOptions({ endpoints: sandbox.endpoints, speed: SPEED });
  const settings = { ...DEFAULT_SETTINGS, port: 0, dataDir, logLevel: 'error' as const, drainMs: 0 };
  gateway = await openGateway({
    source: { kind: 'config', name: 'test', file: undefined, options, gateway: settings },
    settings,
    requireKeys: false,
    databaseUrl: undefined,
  });
});
afterEach(async () => {
  await gateway.close();
  await sandbox.close();
  await Promise.all([dataDir, cwd].map((folder) => rm(folder, { recursive: true, force: true })));
});

type Line = Readonly<Record<string, unknown>>;
const write = (jobs: readonly Line[]): void =>
  writeFileSync(join(cwd, 'jobs.jsonl'), jobs.map((job) => `${JSON.stringify({ ...ROW, ...job })}\n`).join(''));
const foxes = (count: number): readonly Line[] =>
  Array.from({ length: count }, (_, index) => ({ id: `fox-${index}`, prompt: `fox ${index}` }));
const batch = (flags: readonly string[] = [], setting: Setting = {}) =>
  run(['batch', 'jobs.jsonl', '--out', 'out', '--gateway', gateway.url, ...flags], { cwd, ...setting });
const files = (): readonly string[] => readdirSync(join(cwd, 'out')).sort();
const entries = () =>
  readFileSync(join(cwd, 'out', 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Line => JSON.parse(line));

describe('batch --gateway', () => {
  it('is made there, kept here, and not asked for again', async () => {
    write([...foxes(3), { id: 'owls', prompt: 'owls', n: 2 }]);
    const { exit, out } = await batch(['--concurrency', '2', '--max-cost', '1']);
    expect({ exit, out }).toMatchObject({ exit: 0, out: expect.stringContaining('4: 4 delivered') });
    expect(files()).toEqual(['fox-0.webp', 'fox-1.webp', 'fox-2.webp', 'owls-1.webp', 'owls-2.webp', 'results.jsonl']);
    expect(entries().map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
    const paid = sandbox.ledger().length;
    expect(await batch()).toMatchObject({ exit: 0, out: expect.stringContaining('4 already there') });
    expect(sandbox.ledger()).toHaveLength(paid);
  });

  it('goes on there when it is interrupted, and is fetched by the next run without being paid for again', async () => {
    write(foxes(4));
    const stop = new AbortController();
    const first = await batch(['--concurrency', '1'], { signal: stop.signal, onErr: () => stop.abort() });
    expect(first.exit).toBe(130);
    expect(files()).toContain('batch.json');
    const again = await batch();
    expect(again.exit).toBe(0);
    expect(files().filter((name) => name.endsWith('.webp'))).toHaveLength(4);
    expect(files()).not.toContain('batch.json');
    expect(entries()).toHaveLength(4);
    expect(sandbox.ledger()).toHaveLength(4);
  });

  it('that was handed in, and killed before it knew, is the same batch', async () => {
    write(foxes(2));
    const rows = foxes(2).map(({ id, prompt }) =>
      JSON.stringify({ custom_id: id, prompt, model: 'preview', size: '1024x1024', output_format: 'webp' }),
    );
    const headers = { 'content-type': 'application/jsonl', 'idempotency-key': 'the-key' };
    const accepted = await fetch(`${gateway.url}/v1/images/batches?concurrency=5`, { method: 'POST', headers, body: rows.join('\n') });
    expect(accepted.status).toBe(202);
    const { exit: refused } = await run(['batch', 'jobs.jsonl', '--out', 'out', '--gateway', 'http://127.0.0.1:9x'], { cwd });
    expect(refused).toBe(2);
    const note = {
      gateway: gateway.url,
      key: 'the-key',
      concurrency: 5,
      rows: rows.map((text, index) => ({ id: `fox-${index}`, line: index + 1, hash: 'h', text })),
    };
    writeFileSync(join(cwd, 'out', 'batch.json'), JSON.stringify(note));
    expect((await batch()).exit).toBe(0);
    expect(sandbox.ledger()).toHaveLength(2);
  });

  it('one failed row fails no other, ends in 5, and is tried again by the next batch', async () => {
    const clear = sandbox.inject({ fault: 'moderation-input', count: 1 });
    write(foxes(3));
    const { exit, out } = await batch(['--concurrency', '1']);
    expect({ exit, out }).toMatchObject({ exit: 5, out: expect.stringContaining('2 delivered, 1 failed') });
    expect(entries().find(({ outcome }) => outcome === 'failed')).toMatchObject({ code: 'moderation_blocked' });
    clear();
    expect(await batch()).toMatchObject({ exit: 0, out: expect.stringContaining('1 delivered, 2 already there') });
  });

  it('tells mistakes by the lines of the jobs file, and leaves nothing to wait for', async () => {
    write([...foxes(1), { id: 'dear', prompt: 'x', tier: 'premium' }]);
    const dear = await batch();
    expect(dear).toMatchObject({ exit: 2, err: expect.stringContaining('line 2, model') });
    expect(readdirSync(join(cwd, 'out'))).not.toContain('batch.json');
    write([{ id: 'edit', prompt: 'x', referenceImages: ['jobs.jsonl'] }]);
    expect(await batch()).toMatchObject({ exit: 2, err: expect.stringContaining('line 1, referenceImages') });
    write(foxes(1));
    expect(await batch(['--sandbox'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('sandbox must not be given together with gateway'),
    });
    expect(sandbox.ledger()).toHaveLength(0);
  });
});
