// The drawing kit: an SVG canvas whose short side is 1000 units, palettes chosen by hand, and the few strokes every scene
// shares. Scenes return strings; nothing here knows pixels or files.

import type { Random } from '../../system/random.ts';
import { uniform } from '../model/draws.ts';
import { mix } from './color.ts';

export type Palette = {
  readonly night: boolean;
  /** Sky from the zenith to the horizon. */
  readonly sky: readonly [string, string, string];
  readonly sun: string;
  /** Land from the far haze to the foreground. */
  readonly far: string;
  readonly near: string;
  readonly water: string;
  readonly accent: string;
  readonly second: string;
};

/** 1 coarse, 2 fair, 3 fine. */
export type Detail = 1 | 2 | 3;

export type Canvas = {
  readonly width: number;
  readonly height: number;
  readonly palette: Palette;
  readonly detail: Detail;
  readonly random: Random;
};

/** What a scene paints: behind the horizon (left out on transparent pictures), and in front. `groundY` is where things stand. */
export type Scene = { readonly sky: readonly string[]; readonly ground: readonly string[]; readonly groundY: number };

export function between(canvas: Canvas, low: number, high: number): number {
  return uniform(canvas.random, low, high);
}

export function times<Value>(count: number, make: (index: number) => Value): readonly Value[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

export function n(value: number): number {
  return Math.round(value * 10) / 10;
}

export function rect(x: number, y: number, width: number, height: number, fill: string, rest = ''): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${fill}" ${rest}/>`;
}

export function circle(x: number, y: number, r: number, fill: string, rest = ''): string {
  return `<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" fill="${fill}" ${rest}/>`;
}

export function ellipse(x: number, y: number, rx: number, ry: number, fill: string, rest = ''): string {
  return `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(rx)}" ry="${n(ry)}" fill="${fill}" ${rest}/>`;
}

export function path(d: string, fill: string, rest = ''): string {
  return `<path d="${d}" fill="${fill}" ${rest}/>`;
}

export function line(d: string, stroke: string, width: number, rest = ''): string {
  return `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${n(width)}" stroke-linecap="round" stroke-linejoin="round" ${rest}/>`;
}

/** A smooth curve through points, left to right. */
export function curve(points: readonly (readonly [number, number])[]): string {
  return points
    .map(([x, y], index) => {
      const before = points[index - 1];
      if (before === undefined) return `M${n(x)} ${n(y)}`;
      const middle = (before[0] + x) / 2;
      return `C${n(middle)} ${n(before[1])} ${n(middle)} ${n(y)} ${n(x)} ${n(y)}`;
    })
    .join('');
}

/** A filled ridge from edge to edge, down to the bottom. Returns the path and its height at any x. */
export function ridge(canvas: Canvas, baseY: number, swing: number, bumps: number): { readonly d: string; at(x: number): number } {
  const { width, height } = canvas;
  const points = times(bumps + 3, (index) => [((index - 1) / bumps) * width, baseY + between(canvas, -swing, swing)] as const);
  const at = (x: number): number => {
    const index = points.findIndex(([px]) => px >= x);
    const right = points[Math.max(1, index)];
    const left = points[Math.max(1, index) - 1];
    if (right === undefined || left === undefined) return baseY;
    const share = (x - left[0]) / (right[0] - left[0]);
    const smooth = share * share * (3 - 2 * share);
    return left[1] + (right[1] - left[1]) * smooth;
  };
  return { d: `${curve(points)}V${height}H${n(-width)}Z`, at };
}

/** Sky, its light, and what hangs in it. */
export function skyOf(canvas: Canvas, horizonY: number): readonly string[] {
  const { width, height, palette, detail } = canvas;
  const sunX = width * between(canvas, 0.2, 0.8);
  const sunY = horizonY * between(canvas, 0.3, 0.75);
  const sunR = 1000 * between(canvas, 0.055, 0.09);
  const stars = palette.night
    ? times(detail * 45, () =>
        circle(
          between(canvas, 0, width),
          between(canvas, 0, horizonY),
          between(canvas, 0.8, 2.8),
          '#fff',
          `fill-opacity="${n(between(canvas, 0.3, 1))}"`,
        ),
      )
    : [];
  const crater =
    palette.night && detail > 1 ? [circle(sunX + sunR * 0.32, sunY - sunR * 0.18, sunR * 0.86, palette.sky[1], 'fill-opacity=".85"')] : [];
  return [
    `<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${palette.sky[0]}"/><stop offset=".55" stop-color="${palette.sky[1]}"/><stop offset="1" stop-color="${palette.sky[2]}"/></linearGradient>`,
    `<radialGradient id="glow"><stop offset="0" stop-color="${palette.sun}" stop-opacity=".75"/><stop offset="1" stop-color="${palette.sun}" stop-opacity="0"/></radialGradient></defs>`,
    rect(0, 0, width, detail === 1 ? height : Math.min(height, horizonY + 260), 'url(#sky)'),
    ...stars,
    circle(sunX, sunY, sunR * 3.6, 'url(#glow)'),
    circle(sunX, sunY, sunR, palette.sun),
    ...crater,
    ...(palette.night ? [] : clouds(canvas, horizonY)),
  ];
}

function clouds(canvas: Canvas, horizonY: number): readonly string[] {
  const { width, detail, palette } = canvas;
  const tint = mix(palette.sky[2], '#ffffff', 0.55);
  return times(1 + detail * 2, () => {
    const x = between(canvas, 0, width);
    const y = between(canvas, 0.08, 0.7) * horizonY;
    const size = between(canvas, 26, 60);
    const puffs = times(detail + 2, (index) =>
      circle(x + (index - detail / 2) * size * 0.9, y - between(canvas, 0, size * 0.5), size * between(canvas, 0.5, 0.85), tint),
    );
    const flat = rect(x - size * 2, y - 2, size * (detail + 2.6), size * 0.62, tint, `rx="${n(size * 0.3)}"`);
    return `<g opacity="${n(between(canvas, 0.3, 0.7))}">${puffs.join('')}${flat}</g>`;
  });
}
