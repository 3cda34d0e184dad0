// Plain output of the scripts here: lines and tables on stdout.
import { type Column, renderTable } from '../../src/cli/table.ts';

const WIDTH = 160;

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** The first column to the left, the others to the right. */
export function printTable(titles: readonly string[], rows: readonly (readonly string[])[]): void {
  const columns = titles.map((title, index): Column => (index === 0 ? { title } : { title, align: 'right' }));
  printLine(renderTable(columns, rows, WIDTH));
}
