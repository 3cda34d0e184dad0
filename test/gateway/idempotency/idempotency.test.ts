import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { IdempotencyClaim, Principal, StoredAnswer } from '../../../src/gateway/ports.ts';
import { dataFolder, stateIn } from '../support/state-world.ts';

const ME: Principal = { id: 'me', scopes: ['images'], limits: NO_LIMITS };
const ANSWER: StoredAnswer = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: [Buffer.from('{"a":'), new Uint8Array(), Buffer.from('1}')],
};

function first(claim: IdempotencyClaim): Extract<IdempotencyClaim, { kind: 'first' }> {
  if (claim.kind !== 'first') throw new Error(claim.kind);
  return claim;
}
const text = (claim: IdempotencyClaim): string => (claim.kind === 'replay' ? Buffer.concat(claim.answer.body).toString() : claim.kind);

describe('a repeat under the same Idempotency-Key', () => {
  it('gets the first answer, also after a restart', async () => {
    const dataDir = await dataFolder();
    const state = await stateIn(dataDir);
    await first(await state.idempotency.claim(ME, 'k', 'f')).complete(ANSWER);
    expect(await state.idempotency.claim(ME, 'k', 'f')).toMatchObject({ kind: 'replay', answer: { status: 200, headers: ANSWER.headers } });
    await state.close();
    const again = await stateIn(dataDir);
    expect(text(await again.idempotency.claim(ME, 'k', 'f'))).toBe('{"a":1}');
  });

  it('waits for the first while that runs here, however many there are', async () => {
    const { idempotency } = await stateIn(await dataFolder());
    const claim = first(await idempotency.claim(ME, 'k', 'f'));
    const twins = Array.from({ length: 5 }, () => idempotency.claim(ME, 'k', 'f'));
    await claim.complete(ANSWER);
    expect((await Promise.all(twins)).map(text)).toEqual(Array(5).fill('{"a":1}'));
  });

  it('starts afresh when nothing was begun, one of them and no more', async () => {
    const { idempotency } = await stateIn(await dataFolder());
    const claim = first(await idempotency.claim(ME, 'k', 'f'));
    const twins = [idempotency.claim(ME, 'k', 'f'), idempotency.claim(ME, 'k', 'f')];
    await claim.abandon();
    const next = first(await Promise.race(twins));
    await next.complete(ANSWER);
    expect((await Promise.all(twins)).map(({ kind }) => kind).sort()).toEqual(['first', 'replay']);
  });

  it('with another request is refused at once, also while the first runs', async () => {
    const { idempotency } = await stateIn(await dataFolder());
    const claim = first(await idempotency.claim(ME, 'k', 'f'));
    const mismatch = { kind: 'conflict', status: 422, code: 'idempotency_mismatch' };
    expect(await idempotency.claim(ME, 'k', 'other')).toMatchObject(mismatch);
    await claim.complete(ANSWER);
    expect(await idempotency.claim(ME, 'k', 'other')).toMatchObject(mismatch);
  });

  it('by somebody else is another request', async () => {
    const { idempotency } = await stateIn(await dataFolder());
    await first(await idempotency.claim(ME, 'k', 'f')).complete(ANSWER);
    first(await idempotency.claim({ ...ME, id: 'you' }, 'k', 'f'));
  });

  it('at another gateway is sent away while the first runs, and answered afterwards', async () => {
    const dataDir = await dataFolder();
    const [here, there] = [await stateIn(dataDir), await stateIn(dataDir)];
    const claim = first(await here.idempotency.claim(ME, 'k', 'f'));
    expect(await there.idempotency.claim(ME, 'k', 'f')).toMatchObject({ status: 409, code: 'idempotency_in_progress' });
    await claim.complete(ANSWER);
    expect(text(await there.idempotency.claim(ME, 'k', 'f'))).toBe('{"a":1}');
  });

  it('of what the gateway’s own end cut off is told that it may have been billed', async () => {
    const dataDir = await dataFolder();
    const state = await stateIn(dataDir);
    await state.idempotency.claim(ME, 'k', 'f');
    await state.close();
    const again = await stateIn(dataDir);
    const repeat = await again.idempotency.claim(ME, 'k', 'f');
    expect(repeat).toMatchObject({ status: 409, code: 'idempotency_interrupted' });
    expect(repeat).toHaveProperty('message', expect.stringMatching(/may have been billed.*new key/));
  });

  it('of which nobody knows whether it was begun is found cut off, by its name', async () => {
    const dataDir = await dataFolder();
    const { idempotency } = await stateIn(dataDir);
    const claim = first(await idempotency.claim(ME, 'k', 'f'));
    const waiting = idempotency.claim(ME, 'k', 'f');
    claim.leave();
    const found = { status: 409, code: 'idempotency_interrupted', name: claim.name };
    expect(await waiting).toMatchObject(found);
    expect(await idempotency.claim(ME, 'k', 'f')).toMatchObject(found);
  });

  it('whose answer could not be kept, or is gone, is told so and never made again', async () => {
    const dataDir = await dataFolder();
    const { idempotency } = await stateIn(dataDir);
    const lost = { status: 409, code: 'idempotency_interrupted' };
    const kept = first(await idempotency.claim(ME, 'kept', 'f'));
    await kept.complete(ANSWER);
    const unkept = first(await idempotency.claim(ME, 'unkept', 'f'));
    await rm(join(dataDir, 'answers'), { recursive: true });
    await expect(unkept.complete(ANSWER)).rejects.toThrow('ENOENT');
    expect(await idempotency.claim(ME, 'kept', 'f')).toMatchObject(lost);
    expect(await idempotency.claim(ME, 'unkept', 'f')).toMatchObject(lost);
  });
});

describe('an answer’s file', () => {
  it('holds every byte of many pieces, and can be read by its owner alone', async () => {
    const dataDir = await dataFolder();
    const { idempotency } = await stateIn(dataDir);
    const pieces = Array.from({ length: 3_000 }, (_, index) => Buffer.alloc(700, index % 251));
    await first(await idempotency.claim(ME, 'k', 'f')).complete({ ...ANSWER, body: pieces });
    const repeat = await idempotency.claim(ME, 'k', 'f');
    expect(repeat.kind === 'replay' && Buffer.concat(repeat.answer.body).equals(Buffer.concat(pieces))).toBe(true);
    const [name = ''] = await readdir(join(dataDir, 'answers'));
    expect((await stat(join(dataDir, 'answers', name))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dataDir, 'answers'))).mode & 0o777).toBe(0o700);
  });

  it('goes when nobody may ask for it any more, and so does what a crash left half written', async () => {
    const dataDir = await dataFolder();
    const state = await stateIn(dataDir);
    await first(await state.idempotency.claim(ME, 'k', 'f')).complete(ANSWER);
    await state.close();
    await writeFile(join(dataDir, 'answers', 'ans_unknown'), 'x');
    await writeFile(join(dataDir, 'answers', 'ans_half.part'), 'x');
    const again = await stateIn(dataDir);
    expect(await readdir(join(dataDir, 'answers'))).toHaveLength(1);
    await again.close();
    const later = await stateIn(dataDir, { idempotencyTtlMs: -1_000 });
    expect(await readdir(join(dataDir, 'answers'))).toEqual([]);
    first(await later.idempotency.claim(ME, 'k', 'f'));
  });
});
