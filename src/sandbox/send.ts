// Puts an answer on the socket, whole or in one of the broken ways. Nothing is flushed before the answer exists: a client
// that waits for headers waits for the picture, as with the real providers.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../system/clock.ts';
import type { Answer } from './call.ts';
import { jsonParts } from './json-parts.ts';
import type { Transport } from './model/course.ts';
import type { Timers } from './timers.ts';

export type Sender = { readonly clock: Clock; readonly timers: Timers };

/** How often a slow body is topped up, in world milliseconds. */
const SLOW_TICK_MS = 100;

/** Serialises the answer. Google writes its charset in capitals. */
function encoded(answer: Answer, google: boolean): { readonly parts: readonly Buffer[]; readonly contentType: string } {
  if (answer.body.kind === 'html') return { parts: [Buffer.from(answer.body.text)], contentType: 'text/html; charset=UTF-8' };
  return { parts: jsonParts(answer.body.value), contentType: google ? 'application/json; charset=UTF-8' : 'application/json' };
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
  if (isGone(response)) return 0;
  const { parts, contentType } = encoded(answer, google);
  const whole = lengthOf(parts);
  response.sendDate = false;
  response.writeHead(answer.status, {
    date: sender.clock.wall().toUTCString(),
    'content-type': contentType,
    'content-length': transport.kind === 'truncated' ? promptLength(whole, transport) : whole,
    ...headers,
    ...answer.headers,
  });
  return carry(sender, response, parts, transport);
}

/** Opens a stream of events: status and headers, at once. */
export function openStream(sender: Sender, response: ServerResponse, headers: Readonly<Record<string, string>>, google: boolean): void {
  if (isGone(response)) return;
  response.sendDate = false;
  response.writeHead(200, {
    date: sender.clock.wall().toUTCString(),
    'content-type': google ? 'text/event-stream' : 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    ...headers,
  });
  response.flushHeaders();
}

/** Events that are not the last ones. Returns their bytes. */
export function sendEvents(response: ServerResponse, parts: readonly Buffer[]): number {
  if (isGone(response)) return 0;
  for (const part of parts) response.write(part);
  return lengthOf(parts);
}

/** Hands over what ends a response, by its transport. */
export function carry(sender: Sender, response: ServerResponse, parts: readonly Buffer[], transport: Transport): number {
  if (isGone(response)) return 0;
  if (transport.kind === 'whole') {
    response.cork();
    for (const part of parts) response.write(part);
    // Left to end(), Node forgets corked parts of a chunked body (24.21).
    response.uncork();
    response.end();
    return lengthOf(parts);
  }
  const body = Buffer.concat(parts);
  const prompt = body.subarray(0, promptLength(body.length, transport));
  switch (transport.kind) {
    case 'truncated':
      response.end(prompt);
      return prompt.length;
    case 'reset':
      response.write(prompt, () => response.destroy());
      return prompt.length;
    case 'slow':
      response.flushHeaders();
      if (prompt.length > 0) response.write(prompt);
      if (transport.bytesPerSecond > 0) trickle(sender, response, body.subarray(prompt.length), transport.bytesPerSecond);
      return transport.bytesPerSecond > 0 ? body.length : prompt.length;
  }
}

function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.writableEnded;
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** How many of the bytes arrive before what happens happens. */
function promptLength(length: number, transport: Exclude<Transport, { kind: 'whole' }>): number {
  return Math.floor(length * transport.fraction);
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
