// Sends what is too large to hold: a piece at a time, the next one asked for when the one before was taken. A body that cannot be
// finished is cut off, which tells the client that something went wrong where a status no longer can.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Call } from './call.ts';
import { dropWhenIdle } from './send.ts';

/** Nothing is read for HEAD. `headers` say the length where it is known. */
export function sendPieces(
  call: Call,
  status: number,
  own: Readonly<Record<string, string>>,
  pieces: AsyncGenerator<Uint8Array>,
): Response {
  const headers = { ...call.baseHeaders(), ...own };
  const { outgoing } = call;
  if (outgoing !== undefined && call.hasEnded) return RESPONSE_ALREADY_SENT;
  call.answered(status, 0, {});
  if (outgoing === undefined) return new Response(call.method === 'HEAD' ? null : pulled(call, pieces), { status, headers });
  dropWhenIdle(outgoing, call.gateway.settings().limits.idleWriteMs);
  outgoing.writeHead(status, headers);
  if (call.method === 'HEAD') {
    outgoing.end();
    return RESPONSE_ALREADY_SENT;
  }
  const written = write(call, outgoing, pieces).catch((error: unknown) => {
    call.gateway.observer.http({ kind: 'request-defect', id: call.id, where: 'pieces', error });
    outgoing.destroy();
  });
  call.gateway.work.track(written);
  return RESPONSE_ALREADY_SENT;
}

async function write(call: Call, outgoing: ServerResponse, pieces: AsyncGenerator<Uint8Array>): Promise<void> {
  const left = new AbortController();
  call.whenEnded(() => left.abort());
  for await (const piece of pieces) {
    if (call.hasEnded) return;
    const letGo = call.hold(piece.byteLength);
    call.bytes += piece.byteLength;
    const hasRoom = outgoing.write(piece, letGo);
    // Who leaves takes nothing any more.
    if (!hasRoom) await once(outgoing, 'drain', { signal: left.signal }).catch(() => undefined);
  }
  if (!call.hasEnded) outgoing.end();
}

function pulled(call: Call, pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await pieces.next();
        if (done !== true) {
          call.bytes += value.byteLength;
          return controller.enqueue(value);
        }
        controller.close();
        call.end();
      },
      cancel: () => call.end(),
    },
    { highWaterMark: 0 },
  );
}
