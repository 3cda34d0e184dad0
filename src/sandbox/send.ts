// Puts an answer on the socket, whole or in one of the broken ways. Nothing is flushed before the answer exists: a client
// that waits for headers waits for the picture, as with the real providers.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../system/clock.ts';
import type { Answer } from './call.ts';
import type { Transport } from './model/course.ts';
import type { Timers } from './timers.ts';

export type Sender = { readonly clock: Clock; readonly timers: Timers };

/** How often a slow body is topped up, in world milliseconds. */
const SLOW_TICK_MS = 100;

/** Serialises the answer. Google writes its charset in capitals. */
function encoded(answer: Answer, google: boolean): { readonly body: Buffer; readonly contentType: string } {
  if (answer.body.kind === 'html') return { body: Buffer.from(answer.body.text), contentType: 'text/html; charset=UTF-8' };
  const contentType = google ? 'application/json; charset=UTF-8' : 'application/json';
  return { body: Buffer.from(JSON.stringify(answer.body.value)), contentType };
}

/** Sends and returns the body bytes that will have been handed over. A response that is gone takes none. */
export function send(
  sender: Sender,
  response: ServerResponse,
  answer: Answer,
  headers: Readonly<Record<string, string>>,
  transport: Transport,
  google: boolean,
): number {
  if (response.destroyed || response.writableEnded) return 0;
  const { body, contentType } = encoded(answer, google);
  const part = 'fraction' in transport ? body.subarray(0, Math.floor(body.length * transport.fraction)) : body;
  const length = transport.kind === 'truncated' ? part.length : body.length;
  response.sendDate = false;
  response.writeHead(answer.status, {
    date: sender.clock.wall().toUTCString(),
    'content-type': contentType,
    'content-length': length,
    ...headers,
    ...answer.headers,
  });
  switch (transport.kind) {
    case 'whole':
    case 'truncated':
      response.end(part);
      break;
    case 'reset':
      response.write(part, () => response.destroy());
      break;
    case 'slow':
      trickle(sender, response, body, transport.bytesPerSecond);
      break;
  }
  return part.length;
}

/** Catches up with the clock at every tick, so that the rate is right at any speed of the world. */
function trickle(sender: Sender, response: ServerResponse, body: Buffer, bytesPerSecond: number): void {
  const startedAt = sender.clock.now();
  let sent = 0;
  const tick = (): void => {
    if (response.destroyed) return;
    const due = Math.min(body.length, Math.ceil(((sender.clock.now() - startedAt) / 1_000) * bytesPerSecond));
    if (due > sent) response.write(body.subarray(sent, due));
    sent = Math.max(sent, due);
    if (sent === body.length) response.end();
    else sender.timers.after(SLOW_TICK_MS, tick);
  };
  tick();
}
