// Hands an answer to the socket. Pieces are written as they are: node:http puts them into one gathered write, so a picture
// goes from the provider's bytes to the kernel without a copy. Without a socket (tests, other servers) the same pieces come
// out of a stream that is pulled. From the first byte on, a client that takes nothing for a while is dropped: the socket's
// own timer knows progress from silence, and there is one only while somebody is being served.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Answer, JSON_TYPE, lengthOf, utf8 } from './answer.ts';
import type { Call } from './call.ts';

/** Sends all of it. `extra`: headers of this reply alone. */
export function sendAnswer(
  call: Call,
  answer: Pick<Answer, 'status' | 'headers' | 'body' | 'facts'>,
  extra: Record<string, string> = {},
): Response {
  const { status, body, facts } = answer;
  const length = lengthOf(body);
  // The length of a 304 would be taken for that of the picture it stands for.
  const ownLength: Record<string, string> = status === 304 ? {} : { 'content-length': String(length) };
  const headers = { ...call.baseHeaders(), ...answer.headers, ...extra, ...ownLength };
  const { outgoing } = call;
  if (outgoing !== undefined && call.hasEnded) return RESPONSE_ALREADY_SENT;
  call.answered(status, length, facts);
  call.whenEnded(call.gateway.held.hold(length));
  if (outgoing === undefined) return new Response(pulled(body, call), { status, headers });
  outgoing.writeHead(status, headers);
  if (length <= LITTLE_BYTES) outgoing.end(Buffer.concat(body, length).toString('latin1'), 'latin1');
  else {
    for (const piece of body.slice(0, -1)) outgoing.write(piece);
    outgoing.end(body.at(-1));
  }
  // Most answers fit into what the kernel holds for the client.
  if (outgoing.socket?.writableLength !== 0) dropWhenIdle(outgoing, call.gateway.settings().limits.idleWriteMs);
  return RESPONSE_ALREADY_SENT;
}

/** Up to here one copy is cheaper than several writes. */
const LITTLE_BYTES = 16_384;

export function sendJson(call: Call, status: number, value: unknown, headers: Record<string, string> = {}): Response {
  return sendAnswer(call, { status, headers: { ...JSON_TYPE, ...headers }, body: [utf8(JSON.stringify(value))], facts: {} });
}

/** A reply that is written as it comes about. */
export interface EventOutlet {
  readonly response: Response;
  /** Nothing happens when the caller has left. */
  write(pieces: readonly Uint8Array[]): void;
  end(): void;
}

export const EVENT_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Asks proxies not to collect events before passing them on.
  'x-accel-buffering': 'no',
} as const;

export function openEvents(call: Call): EventOutlet {
  const headers = { ...call.baseHeaders(), ...EVENT_HEADERS };
  const { outgoing } = call;
  call.answered(200, 0, {});
  if (outgoing === undefined) return pushedEvents(call, headers);
  const { limits, heartbeatMs } = call.gateway.settings();
  // Between two events nothing is written, which is nobody's fault.
  dropWhenIdle(outgoing, Math.max(limits.idleWriteMs, 2 * heartbeatMs));
  if (!call.hasEnded) outgoing.writeHead(200, headers).flushHeaders();
  return {
    response: RESPONSE_ALREADY_SENT,
    write: (pieces) => {
      if (call.hasEnded) return;
      const letGo = call.hold(lengthOf(pieces));
      call.bytes += lengthOf(pieces);
      for (const piece of pieces.slice(0, -1)) outgoing.write(piece);
      outgoing.write(pieces.at(-1) ?? NOTHING, letGo);
    },
    end: () => void (call.hasEnded || outgoing.end()),
  };
}

const NOTHING = new Uint8Array();

/** Behind another answer on its connection it has no socket yet: its time begins with its turn. */
export function dropWhenIdle(outgoing: ServerResponse, idleMs: number): void {
  if (outgoing.socket !== null) outgoing.socket.setTimeout(idleMs);
  else outgoing.once('socket', (socket: Socket) => socket.setTimeout(idleMs));
}

function pulled(pieces: readonly Uint8Array[], call: Call): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const piece = pieces[next];
        next += 1;
        if (piece !== undefined) return controller.enqueue(piece);
        controller.close();
        call.end();
      },
      cancel: () => call.end(),
    },
    { highWaterMark: 0 },
  );
}

function pushedEvents(call: Call, headers: Record<string, string>): EventOutlet {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start: (opened) => {
      controller = opened;
    },
    cancel: () => call.end(),
  });
  return {
    response: new Response(stream, { status: 200, headers }),
    write: (pieces) => {
      if (call.hasEnded) return;
      call.bytes += lengthOf(pieces);
      for (const piece of pieces) controller?.enqueue(piece);
    },
    end: () => {
      if (!call.hasEnded) controller?.close();
      call.end();
    },
  };
}
