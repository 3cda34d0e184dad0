// Lettering as vector outlines: neighbouring pixels of a glyph are joined by round strokes, which turns the 5x7 grid into
// a monoline hand. Mistakes are part of the trade: a route with text accuracy 0.75 gets a quarter of its letters wrong,
// in the ways image models do it (swapped, doubled, dropped, replaced by a near shape).
import type { Random } from '../../system/random.ts';
import { DIAGONALS, GLYPHS } from './font.ts';

/** Glyph cell: five columns and one of space. */
const ADVANCE = 6;
/** Grid rows from cap height to the descender's end. */
export const LINE_ROWS = 9;

/** Reduces text to what the font has: accents fold to their letters, typographic marks to ASCII, the rest stays to be boxed. */
export function foldText(text: string): string {
  return text
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u201c\u201d\u201e]/g, '"')
    .replaceAll(/[\u2013\u2014]/g, '-')
    .replaceAll('\u2026', '...')
    .replaceAll('\u00df', 'ss')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '');
}

/** Pairs that are easily drawn for one another. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  a: 'e',
  e: 'c',
  c: 'e',
  i: 'l',
  l: 'i',
  n: 'm',
  m: 'n',
  o: 'a',
  u: 'v',
  v: 'u',
  r: 'n',
  s: 'z',
  t: 'f',
  A: 'R',
  B: 'E',
  C: 'G',
  D: 'O',
  E: 'F',
  F: 'E',
  G: 'C',
  H: 'N',
  I: 'L',
  K: 'X',
  L: 'I',
  M: 'N',
  N: 'M',
  O: 'Q',
  P: 'R',
  R: 'A',
  S: 'Z',
  T: 'I',
  U: 'V',
  V: 'U',
  0: '8',
  1: '7',
  3: '8',
  5: 'S',
  8: '3',
};

/** From here on a text shorter than a hundred letters comes out right: what a premium render is paid for. */
const FAITHFUL = 0.985;

/** The text as a route with this accuracy would letter it. */
export function misletter(text: string, accuracy: number, random: Random): string {
  const characters = [...text];
  const places = characters.flatMap((character, index) => (/[\p{L}\p{N}]/u.test(character) ? [index] : []));
  const rounding = accuracy >= FAITHFUL ? 0 : random.next();
  const mistakes = Math.floor(places.length * (1 - accuracy) + rounding);
  for (let mistake = 0; mistake < mistakes; mistake += 1) {
    const place = places.splice(Math.floor(random.next() * places.length), 1)[0];
    if (place !== undefined) spoil(characters, place, random.next());
  }
  return characters.join('');
}

function spoil(characters: string[], place: number, chance: number): void {
  const own = characters[place] ?? '';
  const next = characters[place + 1];
  if (chance < 0.3 && next !== undefined && next !== ' ' && next !== own) {
    characters[place] = next;
    characters[place + 1] = own;
  } else if (chance < 0.5) characters[place] = own + own;
  else if (chance < 0.6 && characters.length > 3) characters[place] = '';
  else characters[place] = LOOKALIKES[own] ?? own + own;
}

/** Breaks text into lines of at most `columns` characters, at spaces where there are any. */
export function wrapText(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const pieces = word.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [];
    for (const piece of pieces) {
      if (line !== '' && line.length + 1 + piece.length > columns) {
        lines.push(line);
        line = piece;
      } else line = line === '' ? piece : `${line} ${piece}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** Grid width of a line. */
export function lineWidth(line: string): number {
  return [...line].length * ADVANCE - 1;
}

/** Path data: letters to be stroked a grid unit wide, and the hair lines of boxed characters. */
export type LinePaths = { readonly letters: string; readonly hairlines: string };

/** One line of text, its top left corner at (0, 0), in grid units. `wobble` tilts and lifts letters. */
export function linePaths(line: string, wobble: number, random: Random): LinePaths {
  const letters: string[] = [];
  const hairlines: string[] = [];
  for (const [index, character] of [...line].entries()) {
    const rows = GLYPHS[character];
    const left = index * ADVANCE + wobble * 0.5 * (random.next() - 0.5);
    const top = wobble * (random.next() - 0.5);
    const slant = wobble * 0.12 * (random.next() - 0.5);
    if (rows === undefined) hairlines.push(codePointBox(character, left, top));
    else letters.push(polylines(DIAGONALS[character], left, top, slant) ?? strokes(rows, left, top, slant));
  }
  return { letters: letters.join(''), hairlines: hairlines.join('') };
}

function polylines(lines: string | undefined, left: number, top: number, slant: number): string | undefined {
  return lines
    ?.split('|')
    .map(
      (points) =>
        `M${points
          .split(' ')
          .map((pair) => at(left, top, slant, [Number(pair[0]), Number(pair[1])]))
          .join('L')}`,
    )
    .join('');
}

function at(left: number, top: number, slant: number, [x, y]: Point): string {
  return `${round(left + x + slant * (6 - y))} ${round(top + y)}`;
}

function strokes(rows: string, left: number, top: number, slant: number): string {
  const lit = (x: number, y: number): boolean => x >= 0 && x < 5 && (Number.parseInt(rows[y] ?? '0', 32) & (16 >> x)) !== 0;
  const parts: string[] = [];
  for (let y = 0; y < rows.length; y += 1) {
    for (let x = 0; x < 5; x += 1)
      if (lit(x, y)) parts.push(...strokesFrom(x, y, lit).map(([dx, dy]) => segment(left, top, slant, [x, y], [x + dx, y + dy])));
  }
  return parts.join('');
}

type Point = readonly [x: number, y: number];

function segment(left: number, top: number, slant: number, from: Point, to: Point): string {
  return `M${at(left, top, slant, from)}L${at(left, top, slant, to)}`;
}

/** The strokes that leave a pixel to the right and down; a diagonal only where no corner joins the two. */
function strokesFrom(x: number, y: number, lit: (x: number, y: number) => boolean): readonly Point[] {
  const down = lit(x, y + 1);
  const right = lit(x + 1, y);
  const left = lit(x - 1, y);
  const points: Point[] = [];
  if (right) points.push([1, 0]);
  if (down) points.push([0, 1]);
  if (!right && !down && lit(x + 1, y + 1)) points.push([1, 1]);
  if (!left && !down && lit(x - 1, y + 1)) points.push([-1, 1]);
  return points.length === 0 ? [[0, 0]] : points;
}

/** What the font lacks: a box around the code point in hexadecimal, two digits a row. */
function codePointBox(character: string, left: number, top: number): string {
  const digits = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0').slice(-4);
  const box = `M${round(left - 0.5)} ${round(top - 0.5)}h5v7h-5z`;
  const small = [...digits].map((digit, index) => tiny(digit, left + 0.1 + (index % 2) * 2.3, top + 0.3 + Math.floor(index / 2) * 3.2));
  return box + small.join('');
}

/** A digit at two fifths of the size. */
function tiny(digit: string, left: number, top: number): string {
  const rows = GLYPHS[digit] ?? '';
  const lit = (x: number, y: number): boolean => x >= 0 && x < 5 && (Number.parseInt(rows[y] ?? '0', 32) & (16 >> x)) !== 0;
  const parts: string[] = [];
  for (let y = 0; y < rows.length; y += 1) {
    for (let x = 0; x < 5; x += 1) {
      if (!lit(x, y)) continue;
      for (const [dx, dy] of strokesFrom(x, y, lit))
        parts.push(`M${round(left + x * 0.4)} ${round(top + y * 0.4)}l${round(dx * 0.4)} ${round(dy * 0.4)}`);
    }
  }
  return parts.join('');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
