// What people see of a batch: on a terminal a bar with counts and spend, and a line for what needs attention; elsewhere
// a line a job, those that were there already left out.
import { formatUsd } from '../../domain/money.ts';
import type { Clock } from '../../system/clock.ts';
import { durationText } from '../duration-text.ts';
import type { Io } from '../io.ts';
import { startLiveLine } from '../live-line.ts';
import { paintFor } from '../paint.ts';
import type { Ended, OnFinished } from './run-batch.ts';
import { emptyTally, FATES, finished, spentBy, type Tally } from './tally.ts';

export type BatchProgress = { readonly onFinished: OnFinished; close(): void };

const BAR_CELLS = 24;

export function showBatch(io: Io, clock: Clock, total: number): BatchProgress {
  const isLive = io.stderr.isTTY === true;
  const paint = paintFor(io.stderr, io.env);
  const startedAt = clock.now();
  let tally = emptyTally(total);
  const line = startLiveLine(io, clock, () => barText(tally));
  return {
    onFinished: ({ id, fate, says }: Ended, now) => {
      tally = now;
      const isNews = fate === 'failed' || fate === 'skipped';
      const text = `${durationText(clock.now() - startedAt).padStart(9)}  ${`${finished(now)}/${total}`.padStart(7)}  ${id}  ${says}`;
      if (isNews || (!isLive && fate !== 'already')) line.keep(isNews ? paint('yellow', text) : text);
      else line.draw();
    },
    close: line.close,
  };
}

/** `[=======>      ] 12/40  9 delivered, 2 already there, 1 failed, 5 running  $0.31`. */
export function barText(tally: Tally): string {
  const done = finished(tally);
  const cells = Math.round((BAR_CELLS * done) / tally.total);
  const bar = `${'='.repeat(cells)}${cells < BAR_CELLS ? '>' : ''}`.padEnd(BAR_CELLS);
  const running = tally.running === 0 ? [] : [`${tally.running} running`];
  return `[${bar}] ${done}/${tally.total}  ${[...countTexts(tally), ...running].join(', ')}  ${formatUsd(spentBy(tally))}`;
}

/** The counts that are not zero. */
export function countTexts({ counts }: Tally): readonly string[] {
  return FATES.flatMap((fate) => (counts[fate] === 0 ? [] : [`${counts[fate]} ${fate === 'already' ? 'already there' : fate}`]));
}
