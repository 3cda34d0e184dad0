// Plain-text tables: columns as wide as their widest cell, numbers to the right, the last column wrapped to the terminal.
// No frame: whitespace aligns as well and survives copying.
import { stripVTControlCharacters } from 'node:util';

export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

const GAP = '  ';
/** Below this a wrapped column is unreadable, so the line may run over instead. */
const NARROWEST_WRAP = 24;

/** Renders rows under their titles. Cells may hold colour. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const last = columns.length - 1;
  const widths = columns.map(({ title }, index) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? ''))));
  const before = widths.slice(0, last).reduce((sum, column) => sum + column + GAP.length, 0);
  const room = Math.max(NARROWEST_WRAP, width - before);
  const line = (cells: readonly string[]): string => {
    const head = cells.slice(0, last).map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align));
    const [first = '', ...more] = wrap(cells[last] ?? '', room);
    const tail = columns[last]?.align === 'right' ? pad(first, Math.min(room, widths[last] ?? 0), 'right') : first;
    return [[...head, tail].join(GAP).trimEnd(), ...more.map((part) => ' '.repeat(before) + part)].join('\n');
  };
  return [line(columns.map(({ title }) => title)), ...rows.map(line)].join('\n');
}

/** `name  value` lines with aligned values; values wrap under themselves. */
export function renderPairs(pairs: readonly (readonly [name: string, value: string])[], width: number, indent = '  '): string {
  const nameWidth = Math.max(0, ...pairs.map(([name]) => widthOf(name)));
  const before = indent.length + nameWidth + GAP.length;
  return pairs
    .map(([name, value]) => {
      const [first = '', ...more] = wrap(value, Math.max(NARROWEST_WRAP, width - before));
      return [`${indent}${pad(name, nameWidth)}${GAP}${first}`.trimEnd(), ...more.map((part) => ' '.repeat(before) + part)].join('\n');
    })
    .join('\n');
}

function pad(cell: string, width: number, align: Column['align'] = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(cell)));
  return align === 'right' ? space + cell : cell + space;
}

/** Breaks at spaces; a word longer than the room stays whole. */
function wrap(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Columns a terminal needs: colour needs none, East Asian letters and pictographs two each. */
function widthOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  const wide = plain.match(/[\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]|\p{Extended_Pictographic}/gu)?.length ?? 0;
  return [...plain].length + wide;
}
