// Small things of the open: trees, grass and birds, shared by the scenes of land and sea.
// Deterministic: every choice comes from the canvas's own random stream.
import { between, type Canvas, ellipse, line, n, path, rect, times } from '../canvas.ts';
import { darker, lighter } from '../color.ts';

export function trees(canvas: Canvas, at: (x: number) => number, count: number, size: number, color: string): readonly string[] {
  const pointed = canvas.random.next() < 0.5;
  return times(count, () => {
    const x = between(canvas, 0, canvas.width);
    const y = at(x) + size * 0.12;
    const tall = size * between(canvas, 0.7, 1.3);
    const trunk = rect(x - tall * 0.05, y - tall * 0.5, tall * 0.1, tall * 0.5, darker(color, 0.3));
    if (!pointed)
      return (
        trunk +
        ellipse(x, y - tall * 0.72, tall * 0.3, tall * 0.4, color) +
        ellipse(x - tall * 0.08, y - tall * 0.82, tall * 0.16, tall * 0.2, lighter(color, 0.12))
      );
    return (
      trunk + [0, 1, 2].map((tier) => fir(x, y - tall * (0.18 + tier * 0.26), tall * (0.34 - tier * 0.08), tall * 0.4, color)).join('')
    );
  });
}

function fir(x: number, y: number, half: number, tall: number, color: string): string {
  return (
    path(`M${n(x - half)} ${n(y)}L${n(x)} ${n(y - tall)}L${n(x + half)} ${n(y)}Z`, color) +
    path(`M${n(x)} ${n(y - tall)}L${n(x + half)} ${n(y)}H${n(x)}Z`, darker(color, 0.15))
  );
}

export function grass(canvas: Canvas, fromY: number): readonly string[] {
  const color = lighter(canvas.palette.near, 0.22);
  const blades = times(150, () => {
    const x = between(canvas, 0, canvas.width);
    const y = between(canvas, fromY, canvas.height + 10);
    return `M${n(x)} ${n(y)}q${n(between(canvas, -8, 8))} -14 ${n(between(canvas, -14, 14))} -${n(between(canvas, 18, 42))}`;
  });
  return [line(blades.join(''), color, 2.4, 'stroke-opacity=".6"')];
}

export function birds(canvas: Canvas, horizonY: number): readonly string[] {
  if (canvas.palette.night) return [];
  return times(canvas.detail * 2, () => {
    const x = between(canvas, 0.1, 0.9) * canvas.width;
    const y = between(canvas, 0.15, 0.6) * horizonY;
    const size = between(canvas, 8, 20);
    return line(
      `M${n(x - size)} ${n(y - size * 0.4)}Q${n(x - size * 0.3)} ${n(y - size * 0.5)} ${n(x)} ${n(y)}Q${n(x + size * 0.3)} ${n(y - size * 0.5)} ${n(x + size)} ${n(y - size * 0.4)}`,
      darker(canvas.palette.near, 0.3),
      3,
      'stroke-opacity=".7"',
    );
  });
}
