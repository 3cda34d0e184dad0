// Where lettering goes: a panel for what the prompt quotes, large enough to read, and a small caption that says which route
// made the picture. Both are outlines, never fonts.
import type { Random } from '../../system/random.ts';
import type { Canvas } from './canvas.ts';
import { line, n, rect } from './canvas.ts';
import { darker, lighter } from './color.ts';
import { foldText, LINE_ROWS, linePaths, lineWidth, misletter, wrapText } from './text.ts';

export type Lettering = {
  readonly texts: readonly string[];
  /** Share of letters drawn without a mistake. */
  readonly accuracy: number;
};

/** A line at a place: its first text is the title, the others are set smaller. */
type SetLine = { readonly text: string; readonly unit: number };

/** More than this is cut: a panel is a sign, not a page. */
const MAX_CHARACTERS = 320;
/** Share of the picture the panel may take. */
const PANEL = { width: 0.84, height: 0.44 } as const;

export type Panel = { readonly parts: readonly string[] /** Where the scene is free again. */; readonly bottomY: number };

/** The panel with its texts, centred at the top. */
export function panelOf(canvas: Canvas, lettering: Lettering): Panel {
  const lines = setLines(canvas, lettering);
  if (lines.length === 0) return { parts: [], bottomY: 0 };
  const gap = Math.max(24, ...lines.map((set) => set.unit * 3));
  const widest = Math.max(...lines.map((set) => lineWidth(set.text) * set.unit));
  const tall = lines.reduce((sum, set) => sum + set.unit * LINE_ROWS, 0) + gap * 0.4 * (lines.length - 1);
  const width = Math.min(canvas.width * 0.94, widest + gap * 4);
  const height = tall + gap * 1.8;
  const left = (canvas.width - width) / 2;
  const top = canvas.height * 0.065;
  const parts = [...panelBoard(canvas, left, top, width, height)];
  let y = top + gap * 1.3;
  for (const set of lines) {
    parts.push(
      textAt(set.text, (canvas.width - lineWidth(set.text) * set.unit) / 2, y, set.unit, inkOf(canvas), lettering.accuracy, canvas.random),
    );
    y += set.unit * LINE_ROWS + gap * 0.4;
  }
  return { parts, bottomY: top + height };
}

function inkOf(canvas: Canvas): string {
  return canvas.palette.night ? lighter(canvas.palette.accent, 0.35) : darker(canvas.palette.near, 0.35);
}

function panelBoard(canvas: Canvas, left: number, top: number, width: number, height: number): readonly string[] {
  const { palette, detail } = canvas;
  const board = palette.night ? darker(palette.near, 0.2) : lighter(palette.second, 0.82);
  return [
    ...(detail > 1 ? [rect(left + 8, top + 12, width, height, '#000', 'rx="20" fill-opacity=".28"')] : []),
    rect(left, top, width, height, board, 'rx="18"'),
    ...(detail > 1
      ? [
          `<rect x="${n(left + 12)}" y="${n(top + 12)}" width="${n(width - 24)}" height="${n(height - 24)}" rx="10" fill="none" stroke="${palette.accent}" stroke-width="5"/>`,
        ]
      : []),
  ];
}

/** Chooses the largest letters that fit, wrapping at a few widths and taking the best. */
function setLines(canvas: Canvas, { texts, accuracy }: Lettering): readonly SetLine[] {
  const drawn = texts
    .map((text) => misletter(foldText(text).slice(0, MAX_CHARACTERS), accuracy, canvas.random))
    .filter((text) => text.trim() !== '');
  const [title, ...rest] = drawn;
  if (title === undefined) return [];
  const room = canvas.height * PANEL.height * (rest.length > 0 ? 0.55 : 1);
  const head = fitted(canvas, [title], room, 15);
  const size = head[0]?.unit ?? 4;
  return [...head, ...fitted(canvas, rest, canvas.height * PANEL.height * 0.4, size * 0.62)];
}

function fitted(canvas: Canvas, texts: readonly string[], room: number, largest: number): readonly SetLine[] {
  const wide = canvas.width * PANEL.width;
  let best: readonly SetLine[] = [];
  for (const columns of [8, 10, 12, 14, 17, 20, 24, 28, 34, 40, 48]) {
    const lines = texts.flatMap((text) => wrapText(text, columns));
    if (lines.length === 0) return [];
    const unit = Math.min(largest, wide / Math.max(...lines.map(lineWidth)), room / (lines.length * LINE_ROWS * 1.15));
    if (best.length === 0 || unit > (best[0]?.unit ?? 0) * 1.02) best = lines.map((text) => ({ text, unit }));
  }
  return best;
}

/** The caption in the corner: which model and setting drew this. Always exact. */
export function captionOf(canvas: Canvas, text: string, random: Random): readonly string[] {
  const unit = 2.5;
  const wide = lineWidth(text) * unit;
  const left = canvas.width - wide - 34;
  const top = canvas.height - 48;
  return [
    rect(left - 12, top - 9, wide + 24, 38, '#000', 'rx="9" fill-opacity=".42"'),
    textAt(text, left, top, unit, '#ffffff', 1, random),
  ];
}

function textAt(text: string, x: number, y: number, unit: number, color: string, accuracy: number, random: Random): string {
  const wobble = accuracy >= 0.97 ? 0 : (1 - accuracy) * 3.2;
  const { letters, hairlines } = linePaths(text, wobble, random);
  const strokes = line(letters, color, 1.1) + (hairlines === '' ? '' : line(hairlines, color, 0.3));
  return `<g transform="translate(${n(x + unit * 0.5)} ${n(y)}) scale(${Math.round(unit * 1000) / 1000})">${strokes}</g>`;
}
