// Progress of one request on stderr: a line for every step worth one, and on a terminal a last line that counts world
// seconds and is wiped at the end. Pipes and logs get the steps only.

import type { TraceEvent } from '../domain/trace.ts';
import type { Clock } from '../system/clock.ts';
import { durationText } from './duration-text.ts';
import { columnsOf, type Io, print } from './io.ts';
import { paintFor } from './paint.ts';
import { describeEvent, describeWaiting } from './trace-text.ts';

export type Progress = { readonly onEvent: (event: TraceEvent) => void; close(): void };

/** Real milliseconds between two redraws: steady to the eye, nothing for the processor. */
const REDRAW_MS = 250;
const WIPE = '\r\u001b[2K';

export function showProgress(io: Io, clock: Clock): Progress {
  const live = io.stderr.isTTY === true;
  const paint = paintFor(io.stderr, io.env);
  const startedAt = clock.now();
  let waiting = 'planning';
  let cancel = (): void => {};
  const elapsed = (): string => durationText(clock.now() - startedAt);
  const draw = (): void => {
    if (!live) return;
    const line = `${elapsed().padStart(8)}  ${waiting}...`;
    io.stderr.write(`${WIPE}${paint('cyan', line.slice(0, columnsOf(io.stderr) - 1))}`);
    cancel();
    cancel = clock.timer(REDRAW_MS * clock.speed, draw, { background: true });
  };
  draw();
  return {
    onEvent: (event) => {
      waiting = describeWaiting(event) ?? waiting;
      const text = describeEvent(event);
      if (text !== undefined) print(io.stderr, `${live ? WIPE : ''}${paint('dim', `${durationText(event.atMs).padStart(8)}  ${text}`)}`);
      draw();
    },
    close: () => {
      cancel();
      if (live) io.stderr.write(WIPE);
    },
  };
}
