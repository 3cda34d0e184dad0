// Are the chances that plans give true? Runs are sorted by the chance their first plan gave them, in tenths; for each tenth
// three sums grow: how many runs, the chances they were given, and how many came in time. Chance over runs beside met over
// runs is a reliability diagram, of any span of time, by subtraction of two scrapes.
import type { EndedRun } from './runs.ts';

export type Tenth = {
  /** `0.9-1.0`. */
  readonly chance: string;
  runs: number;
  chanceSum: number;
  met: number;
};

export class Calibration {
  readonly tenths: readonly Tenth[] = Array.from({ length: 10 }, (_, tenth) => ({
    chance: `${(tenth / 10).toFixed(1)}-${((tenth + 1) / 10).toFixed(1)}`,
    runs: 0,
    chanceSum: 0,
    met: 0,
  }));

  add({ chance, verdict }: Pick<EndedRun, 'chance' | 'verdict'>): void {
    if (chance === undefined || verdict === 'void') return;
    const tenth = this.tenths[Math.min(9, Math.max(0, Math.floor(chance * 10)))];
    if (tenth === undefined) return;
    tenth.runs += 1;
    tenth.chanceSum += chance;
    if (verdict === 'met') tenth.met += 1;
  }
}
