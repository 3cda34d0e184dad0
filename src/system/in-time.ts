// Waiting that ends: for work, at most so long, and not for somebody who has left.
import type { Clock } from './clock.ts';

/**
 * What `work` comes to; undefined when `ms` world milliseconds are over or `signal` is aborted before. Rejects as the work does.
 * The work is told by a signal of its own that nobody waits any longer; what becomes of it then is nobody's business.
 */
export async function inTime<Result>(
  work: (isOver: AbortSignal) => Promise<Result>,
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<Result | undefined> {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const ending = new AbortController();
  const giveUp = (): void => {
    resolve(undefined);
    ending.abort();
  };
  const cancel = clock.timer(Math.max(0, ms), giveUp, { background: true });
  signal?.addEventListener('abort', giveUp);
  if (signal?.aborted) giveUp();
  try {
    return await Promise.race([over, work(ending.signal)]);
  } finally {
    cancel();
    signal?.removeEventListener('abort', giveUp);
  }
}
