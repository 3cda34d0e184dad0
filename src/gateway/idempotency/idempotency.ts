// The same key and the same request: the same answer, and no second render. A claim is on disk before anything is sent
// upstream. A twin in this process waits for the first; one in another gateway is told to come back; and what a crash cut
// off is never begun again behind the caller's back, because it may have been billed.
import type { Clock } from '../../system/clock.ts';
import type { Idempotency, IdempotencyClaim, Principal, StoredAnswer } from '../ports.ts';
import type { IdempotencyRow, Store } from '../store/store.ts';
import type { AnswerFiles } from './answer-files.ts';

type Conflict = Extract<IdempotencyClaim, { kind: 'conflict' }>;

const MISMATCH: Conflict = {
  kind: 'conflict',
  status: 422,
  code: 'idempotency_mismatch',
  message: 'This Idempotency-Key was used with another request before. Use a new key for a new request.',
};
const IN_PROGRESS: Conflict = {
  kind: 'conflict',
  status: 409,
  code: 'idempotency_in_progress',
  message: 'The request with this Idempotency-Key still runs at another gateway. Ask again later with the same key.',
};
const INTERRUPTED: Conflict = {
  kind: 'conflict',
  status: 409,
  code: 'idempotency_interrupted',
  message: 'The request with this Idempotency-Key was cut off by a crash and may have been billed. Use a new key to make it again.',
};

export function createIdempotency(store: Store, files: AnswerFiles, clock: Clock): Idempotency {
  /** Claims that run in this process: resolves when they have ended. */
  const running = new Map<string, Promise<void>>();

  async function claim(principal: Principal, key: string, fingerprint: string): Promise<IdempotencyClaim> {
    const name = `${principal.id} ${key}`;
    for (;;) {
      const twin = running.get(name);
      if (twin !== undefined) await twin;
      else {
        const ended = Promise.withResolvers<void>();
        running.set(name, ended.promise);
        const end = (): void => {
          running.delete(name);
          ended.resolve();
        };
        const found = await claimNow(principal, key, fingerprint, end).catch((error: unknown) => {
          end();
          throw error;
        });
        if (found.kind !== 'first') end();
        return found;
      }
    }
  }

  async function claimNow({ id }: Principal, key: string, fingerprint: string, end: () => void): Promise<IdempotencyClaim> {
    const known = await store.claim(id, key, fingerprint, clock.wall().getTime());
    if (known !== undefined) return answerTo(known, fingerprint);
    return {
      kind: 'first',
      complete: async (answer) => {
        try {
          await complete(id, key, answer);
        } finally {
          end();
        }
      },
      abandon: async () => {
        try {
          await store.abandonClaim(id, key);
        } finally {
          end();
        }
      },
    };
  }

  async function complete(principal: string, key: string, { status, headers, body }: StoredAnswer): Promise<void> {
    const file = await files.write(body);
    const bytes = body.reduce((sum, piece) => sum + piece.byteLength, 0);
    await store.completeClaim(principal, key, { status, headers, file, bytes });
  }

  async function answerTo(known: IdempotencyRow, fingerprint: string): Promise<IdempotencyClaim> {
    if (known.fingerprint !== fingerprint) return MISMATCH;
    if (known.state === 'running') return IN_PROGRESS;
    if (known.state === 'interrupted' || known.status === undefined || known.file === undefined) return INTERRUPTED;
    const body = await files.read(known.file);
    return { kind: 'replay', answer: { status: known.status, headers: known.headers ?? {}, body: [body] } };
  }

  return { claim };
}
