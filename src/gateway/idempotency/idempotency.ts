// The same key and the same request: the same answer, and no second render. A claim is on disk before anything is sent
// upstream. A twin in this process waits for the first; one in another gateway is told to come back; and what a crash cut
// off is never begun again behind the caller's back, because it may have been billed.
import type { Clock } from '../../system/clock.ts';
import type { Idempotency, IdempotencyClaim, Principal, StoredAnswer } from '../ports.ts';
import type { IdempotencyRow, Store } from '../store/store.ts';
import type { AnswerFiles } from './answer-files.ts';
import { type Holder, IN_PROGRESS, INTERRUPTED, LOST, mismatch } from './conflicts.ts';

/** A claim of this process: resolves when it has ended. */
type Running = { readonly fingerprint: string; readonly ended: Promise<void> };

export type IdempotencyParts = {
  readonly store: Store;
  readonly files: AnswerFiles;
  readonly clock: Clock;
  /** Hears of every answer that was kept, by its size. */
  readonly onKept: (bytes: number) => void;
};

export function createIdempotency({ store, files, clock, onKept }: IdempotencyParts): Idempotency {
  /** By principal and key; no more than requests that run. */
  const running = new Map<string, Running>();

  async function claim(principal: Principal, key: string, fingerprint: string): Promise<IdempotencyClaim> {
    const name = `${principal.id} ${key}`;
    for (let twin = running.get(name); twin !== undefined; twin = running.get(name)) {
      if (twin.fingerprint !== fingerprint) return mismatch({ ...twin, end: undefined }, fingerprint);
      await twin.ended;
    }
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    running.set(name, { fingerprint, ended });
    const end = (): void => {
      running.delete(name);
      resolve();
    };
    try {
      const found = await claimNow(principal.id, key, fingerprint, end);
      if (found.kind !== 'first') end();
      return found;
    } catch (error) {
      end();
      throw error;
    }
  }

  async function claimNow(principal: string, key: string, fingerprint: string, end: () => void): Promise<IdempotencyClaim> {
    const file = files.newName();
    const known = await store.claim({ principal, key, fingerprint, file, at: clock.wall().getTime() });
    if (known !== undefined) return answerTo(known, fingerprint);
    return {
      kind: 'first',
      name: file,
      complete: (answer) => complete(principal, key, file, answer).finally(end),
      abandon: () => store.abandonClaim(principal, key).finally(end),
      leave: end,
    };
  }

  async function complete(principal: string, key: string, file: string, { status, headers, body }: StoredAnswer): Promise<void> {
    await files.write(file, body);
    const bytes = body.reduce((sum, piece) => sum + piece.byteLength, 0);
    await store.completeClaim(principal, key, { status, headers, bytes });
    onKept(bytes);
  }

  async function answerTo(known: IdempotencyRow, fingerprint: string): Promise<IdempotencyClaim> {
    const { state, isOurs, status, headers = {}, file } = known;
    if (known.fingerprint !== fingerprint) return mismatch({ fingerprint: known.fingerprint, end: endOf(known) }, fingerprint);
    // One of this process that does not run here any more has ended without an answer that could be kept.
    if (state === 'running') return { ...(isOurs ? LOST : IN_PROGRESS), name: file };
    if (state === 'interrupted' || status === undefined) return { ...INTERRUPTED, name: file };
    const body = await files.read(file);
    return body === undefined ? { ...LOST, name: file } : { kind: 'replay', answer: { status, headers, body: [body] } };
  }

  return { claim };
}

function endOf({ state, isOurs, status = 200 }: IdempotencyRow): Holder['end'] {
  if (state === 'done') return status >= 400 ? 'refused or failed' : undefined;
  return state === 'interrupted' || isOurs ? 'cut off' : undefined;
}
