// A last line on stderr that is drawn over itself, and finished lines above it. On a terminal only: pipes and logs get the
// finished lines.
import type { Clock } from '../system/clock.ts';
import { columnsOf, type Io, print } from './io.ts';
import { paintFor } from './paint.ts';

export type LiveLine = {
  /** A line that stays. */
  keep(line: string): void;
  /** Draws the last line anew, now. */
  draw(): void;
  /** Wipes the last line. */
  close(): void;
};

/** Real milliseconds between two redraws: steady to the eye, nothing for the processor. */
const REDRAW_MS = 250;
const WIPE = '\r\u001b[2K';

/** `current` is the last line's text, asked for at every redraw. */
export function startLiveLine(io: Io, clock: Clock, current: () => string): LiveLine {
  const isLive = io.stderr.isTTY === true;
  const paint = paintFor(io.stderr, io.env);
  let cancel = (): void => {};
  const draw = (): void => {
    if (!isLive) return;
    io.stderr.write(`${WIPE}${paint('cyan', current().slice(0, columnsOf(io.stderr) - 1))}`);
    cancel();
    cancel = clock.timer(REDRAW_MS * clock.speed, draw, { background: true });
  };
  draw();
  return {
    keep: (line) => {
      print(io.stderr, `${isLive ? WIPE : ''}${line}`);
      draw();
    },
    draw,
    close: () => {
      cancel();
      if (isLive) io.stderr.write(WIPE);
    },
  };
}
