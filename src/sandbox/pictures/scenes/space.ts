// Somewhere else: a ringed planet over the surface of a moon. Always dark, whatever the palette.
// Deterministic: every choice comes from the canvas's own random stream.
import { between, type Canvas, circle, ellipse, line, n, path, ridge, type Scene, skyOf, times } from '../canvas.ts';
import { darker, lighter, mix } from '../color.ts';

export function space(canvas: Canvas): Scene {
  const { width, height, palette, detail } = canvas;
  const deep = ['#0a0a24', '#1b1147', '#3a1c5c'] as const;
  const dark: Canvas = { ...canvas, palette: { ...palette, night: true, sky: deep } };
  const nebulas = times(detail * 2, (index) =>
    circle(width * between(canvas, 0.1, 0.9), height * between(canvas, 0.1, 0.8), between(canvas, 120, 300), `url(#nebula${index % 2})`),
  );
  const x = width * between(canvas, 0.3, 0.7);
  const y = height * between(canvas, 0.34, 0.48);
  const r = between(canvas, 120, 180);
  const bands = times(detail + 1, (index) =>
    path(
      `M${n(x - r)} ${n(y - r * 0.5 + index * r * 0.36)}q${n(r)} ${n(r * 0.2)} ${n(2 * r)} 0v${n(r * 0.14)}q${n(-r)} ${n(r * 0.2)} ${n(-2 * r)} 0Z`,
      darker(palette.second, 0.3),
      'fill-opacity=".55"',
    ),
  );
  const ring = line(
    `M${n(x - r * 1.8)} ${n(y + r * 0.34)}A${n(r * 1.9)} ${n(r * 0.5)} -12 0 0 ${n(x + r * 1.8)} ${n(y - r * 0.34)}`,
    lighter(palette.second, 0.4),
    14,
    'stroke-opacity=".85"',
  );
  const moons = times(detail, () =>
    circle(
      width * between(canvas, 0.05, 0.95),
      height * between(canvas, 0.08, 0.6),
      between(canvas, 14, 40),
      mix(palette.far, palette.accent, canvas.random.next()),
    ),
  );
  const surface = ridge(canvas, height * 0.82, 30, 5);
  const craters = times(detail * 5, () =>
    ellipse(
      between(canvas, 0, width),
      between(canvas, height * 0.88, height),
      between(canvas, 20, 60),
      between(canvas, 6, 14),
      darker(palette.far, 0.4),
      'fill-opacity=".5"',
    ),
  );
  return {
    sky: [
      ...skyOf(dark, height),
      nebulaGradient(0, palette.accent),
      nebulaGradient(1, palette.water),
      ...nebulas,
      ...moons,
      `<clipPath id="planet"><circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}"/></clipPath>`,
      circle(x, y, r, palette.second),
      `<g clip-path="url(#planet)">${bands.join('')}${circle(x + r * 0.5, y + r * 0.2, r * 1.1, '#000', 'fill-opacity=".18"')}</g>`,
      ring,
    ],
    ground: [path(surface.d, darker(palette.far, 0.15)), ...craters],
    groundY: height * 0.9,
  };
}

function nebulaGradient(index: number, color: string): string {
  return `<defs><radialGradient id="nebula${index}"><stop offset="0" stop-color="${color}" stop-opacity=".32"/><stop offset="1" stop-color="${color}" stop-opacity="0"/></radialGradient></defs>`;
}
