// Forms built by hand, byte by byte, and requests around them: what a well-behaved client would never send.
import { Refusal, type RefusalDetails } from '../../../src/gateway/http/refusal.ts';
import type { FormRules } from '../../../src/gateway/uploads/multipart.ts';

import { manualClock } from '../../support/manual-clock.ts';

export const BOUNDARY = 'test-boundary';

export type TestPart = {
  readonly name: string | undefined;
  readonly content: string | Uint8Array;
  readonly fileName?: string;
  readonly type?: string;
};

export function formBytes(parts: readonly TestPart[], end = `--${BOUNDARY}--\r\n`): Buffer {
  const pieces = parts.flatMap(({ name, content, fileName, type }) => {
    const disposition = `form-data${name === undefined ? '' : `; name="${name}"`}${fileName === undefined ? '' : `; filename="${fileName}"`}`;
    const contentType = type === undefined ? '' : `content-type: ${type}\r\n`;
    return [
      Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: ${disposition}\r\n${contentType}\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ];
  });
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

export type BodyWatch = { readonly request: Request; readonly taken: () => number; readonly isCancelled: () => boolean };

/** A request whose body comes in these pieces, then ends, or hangs; it watches how much of it was taken. */
export function requestOf(
  pieces: Iterable<Uint8Array>,
  { boundary = BOUNDARY, hangs = false, headers = {}, signal = undefined as AbortSignal | undefined } = {},
): BodyWatch {
  const iterator = pieces[Symbol.iterator]();
  let taken = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const { done, value } = iterator.next();
        if (done === true) return hangs ? undefined : controller.close();
        taken += value.byteLength;
        controller.enqueue(value);
      },
      cancel: () => {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const request = new Request('http://gateway.test/v1/images/edits', {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, ...headers },
    body,
    duplex: 'half',
    ...(signal === undefined ? {} : { signal }),
  });
  return { request, taken: () => taken, isCancelled: () => cancelled };
}

export function* cut(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length);
}

export function formRules(changes: Partial<FormRules> = {}): FormRules {
  return {
    bytesLimit: 64 * 1024 * 1024,
    fileBytesLimit: 50_000_000,
    timeLimitMs: 60_000,
    clock: manualClock(),
    reserve: () => true,
    textNames: ['prompt', 'size', 'n', 'quality', 'stream'],
    ...changes,
  };
}

/** What it was refused with; throws when it was not. */
export async function refusalOf(work: Promise<unknown>): Promise<RefusalDetails> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Refusal) return error.details;
    throw error;
  }
  throw new Error('nothing was refused');
}
