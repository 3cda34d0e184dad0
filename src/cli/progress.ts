// Progress of one request on stderr: a line for every step worth one, and on a terminal a last line that counts world
// seconds and is wiped at the end. Pipes and logs get the steps only.
import type { TraceEvent } from '../domain/trace.ts';
import type { Clock } from '../system/clock.ts';
import { durationText } from './duration-text.ts';
import type { Io } from './io.ts';
import { startLiveLine } from './live-line.ts';
import { paintFor } from './paint.ts';
import { describeEvent, describeWaiting } from './trace-text.ts';

export type Progress = {
  readonly onEvent: (event: TraceEvent) => void;
  /** Says something that is no step of the trace. */
  note(atMs: number, text: string): void;
  close(): void;
};

export function showProgress(io: Io, clock: Clock): Progress {
  const paint = paintFor(io.stderr, io.env);
  const startedAt = clock.now();
  let waiting = 'planning';
  const stamped = (atMs: number, text: string): string => `${durationText(atMs).padStart(8)}  ${text}`;
  const line = startLiveLine(io, clock, () => stamped(clock.now() - startedAt, `${waiting}...`));
  return {
    onEvent: (event) => {
      waiting = describeWaiting(event) ?? waiting;
      const text = describeEvent(event);
      if (text === undefined) line.draw();
      else line.keep(paint('dim', stamped(event.atMs, text)));
    },
    note: (atMs, text) => line.keep(stamped(atMs, text)),
    close: line.close,
  };
}
