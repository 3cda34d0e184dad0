// Open water with boats, seen from a beach, so that a figure has somewhere to stand.
// Deterministic: every choice comes from the canvas's own random stream.
import { between, type Canvas, curve, line, n, path, rect, ridge, type Scene, skyOf, times } from '../canvas.ts';
import { darker, lighter, mix } from '../color.ts';
import { birds } from './nature.ts';

export function sea(canvas: Canvas): Scene {
  const { width, height, palette, detail } = canvas;
  const horizonY = height * between(canvas, 0.46, 0.58);
  const water = `<defs><linearGradient id="water" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${mix(palette.water, palette.sky[2], 0.5)}"/><stop offset="1" stop-color="${darker(palette.water, 0.45)}"/></linearGradient></defs>`;
  const island = ridge(canvas, horizonY - 8, 26, 5);
  const glitter = times(detail * 16, () => {
    const share = canvas.random.next();
    const half = between(canvas, 20, 90) * (0.4 + share);
    const x = width * between(canvas, 0.05, 0.95);
    return rect(
      x - half,
      horizonY + 8 + (height - horizonY) * share,
      half * 2,
      2 + 4 * share,
      lighter(palette.sky[2], 0.3),
      `rx="3" fill-opacity="${n(between(canvas, 0.1, 0.5))}"`,
    );
  });
  const boats = times(1 + detail, (index) =>
    sailboat(canvas, width * between(canvas, 0.1 + index * 0.2, 0.3 + index * 0.2), horizonY + between(canvas, 14, 170), index),
  );
  const waves = times(detail * 3, (index) => wave(canvas, height - (index / (detail * 3)) * (height - horizonY) * 0.5));
  return {
    sky: [...skyOf(canvas, horizonY), path(island.d, mix(palette.far, palette.near, 0.25)), ...birds(canvas, horizonY)],
    ground: [water, rect(0, horizonY, width, height - horizonY, 'url(#water)'), ...glitter, ...boats, ...waves, ...beach(canvas)],
    groundY: height * 0.9,
  };
}

function beach(canvas: Canvas): readonly string[] {
  const { palette, height } = canvas;
  const sand = mix(lighter(palette.second, 0.55), palette.near, palette.night ? 0.6 : 0.12);
  const shore = ridge(canvas, height * 0.89, 22, 3);
  return [`<g transform="translate(0 -12)">${path(shore.d, lighter(palette.water, 0.75), 'fill-opacity=".6"')}</g>`, path(shore.d, sand)];
}

function sailboat(canvas: Canvas, x: number, y: number, index: number): string {
  const size = 34 + (y / canvas.height) * 90;
  const { palette } = canvas;
  const sail = index % 2 === 0 ? palette.accent : lighter(palette.second, 0.5);
  return [
    path(
      `M${n(x - size * 0.5)} ${n(y)}H${n(x + size * 0.55)}L${n(x + size * 0.35)} ${n(y + size * 0.2)}H${n(x - size * 0.35)}Z`,
      darker(palette.near, 0.2),
    ),
    line(`M${n(x)} ${n(y)}V${n(y - size)}`, darker(palette.near, 0.4), size * 0.03),
    path(
      `M${n(x + size * 0.04)} ${n(y - size * 0.05)}V${n(y - size)}Q${n(x + size * 0.45)} ${n(y - size * 0.5)} ${n(x + size * 0.46)} ${n(y - size * 0.05)}Z`,
      sail,
    ),
    path(
      `M${n(x - size * 0.04)} ${n(y - size * 0.05)}V${n(y - size * 0.85)}L${n(x - size * 0.38)} ${n(y - size * 0.05)}Z`,
      lighter(sail, 0.35),
    ),
  ].join('');
}

function wave(canvas: Canvas, y: number): string {
  const points = times(13, (index) => [(index / 12) * canvas.width, y + (index % 2 === 0 ? -6 : 7) * between(canvas, 0.5, 1.4)] as const);
  return line(curve(points), lighter(canvas.palette.water, 0.35), 3, 'stroke-opacity=".45"');
}
