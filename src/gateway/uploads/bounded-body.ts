// Reads a request's body piece by piece into a sink, within limits that hold while bytes arrive: how many, in how many
// pieces, for how long, and only while the sender is there. Whatever goes wrong anywhere ends the reading at once, also
// when the sink is stuck; nothing of the body is kept here.
import type { Clock } from '../../system/clock.ts';
import { refuseEncoded } from '../http/content-encoding.ts';
import type { Refusal } from '../http/refusal.ts';
import { uploadRefused } from './upload-refused.ts';

export type BodyRules = {
  readonly bytesLimit: number;
  /** Real milliseconds from now until the last byte: networks do not run on the world's clock. */
  readonly timeLimitMs: number;
  readonly clock: Clock;
  /** Asked before bytes are kept; false when the gateway holds as much as it may. */
  readonly reserve: (bytes: number) => boolean;
};

export interface Sink {
  write(piece: Uint8Array): Promise<void> | void;
  end(): Promise<void> | void;
}

/** 64 MB in network packets are 50 000 pieces; a sender that cuts its body finer than this is burning our time. */
const MOST_PIECES = 200_000;

/** `open` gets a way to refuse from outside of `write` and `end`. Rejects with Refusal, or with what the sink threw. */
export async function readBody(request: Request, rules: BodyRules, open: (refuse: (why: unknown) => void) => Sink): Promise<void> {
  refuseEncoded(request.headers);
  refuseByLength(request.headers.get('content-length'), rules.bytesLimit);
  const reader = request.body?.getReader();
  if (reader === undefined) throw uploadRefused('invalid_multipart', 'The request has no body.');
  const stopped = Promise.withResolvers<never>();
  const stopTimer = rules.clock.timer(rules.timeLimitMs * rules.clock.speed, () => stopped.reject(tooSlow(rules.timeLimitMs)));
  const leave = (): void => stopped.reject(cutShort());
  request.signal.addEventListener('abort', leave, { once: true });
  try {
    if (request.signal.aborted) throw cutShort();
    await Promise.race([pump(reader, open(stopped.reject), rules), stopped.promise]);
  } finally {
    stopTimer();
    request.signal.removeEventListener('abort', leave);
    // Ends a read that is still waiting. The server drops what the sender has yet to send.
    reader.cancel().catch(() => undefined);
  }
}

async function pump(reader: ReadableStreamDefaultReader<Uint8Array>, sink: Sink, rules: BodyRules): Promise<void> {
  let received = 0;
  for (let pieces = 0; ; pieces += 1) {
    const { done, value } = await reader.read().catch(() => {
      throw cutShort();
    });
    if (done) break;
    received += value.byteLength;
    if (received > rules.bytesLimit) throw tooLarge(rules.bytesLimit);
    if (pieces >= MOST_PIECES) throw tooManyPieces();
    if (!rules.reserve(value.byteLength)) throw uploadRefused('overloaded', 'The gateway holds as many bytes as it may; try again soon.');
    await sink.write(value);
  }
  await sink.end();
}

/** A body that says it is too large need not be received to be refused. */
function refuseByLength(contentLength: string | null, bytesLimit: number): void {
  if (contentLength !== null && Number(contentLength) > bytesLimit) throw tooLarge(bytesLimit);
}

function tooLarge(bytesLimit: number): Refusal {
  const remedy = 'send fewer or smaller pictures';
  const rule = `must be at most ${bytesLimit} bytes`;
  return uploadRefused('request_too_large', `The body ${rule}.`, { remedy, rule });
}

function tooManyPieces(): Refusal {
  const rule = `must come in at most ${MOST_PIECES} pieces`;
  return uploadRefused('request_too_large', `The body ${rule}.`, { rule });
}

function tooSlow(timeLimitMs: number): Refusal {
  return uploadRefused('request_timeout', `The body did not arrive within ${timeLimitMs / 1_000} seconds.`);
}

function cutShort(): Refusal {
  return uploadRefused('request_cut_short', 'The body ended before it was complete.');
}
