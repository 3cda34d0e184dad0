// A skyline in layers, its windows lit at night, and a pavement in front.
// Deterministic: every choice comes from the canvas's own random stream.
import { between, type Canvas, line, n, path, rect, type Scene, skyOf, times } from '../canvas.ts';
import { darker, lighter, mix } from '../color.ts';

export function city(canvas: Canvas): Scene {
  const { width, height, palette, detail } = canvas;
  const horizonY = height * 0.66;
  const ground: string[] = [];
  for (let layer = 0; layer < 1 + detail; layer += 1) {
    const share = layer / detail;
    const color = mix(mix(palette.far, palette.sky[2], 0.3), palette.near, share);
    let x = -between(canvas, 0, 60);
    while (x < width) {
      const wide = between(canvas, 56, 130) * (0.7 + share * 0.5);
      ground.push(
        tower(canvas, x, horizonY + share * height * 0.12, wide, height * between(canvas, 0.14, 0.42) * (1 - share * 0.35), color, share),
      );
      x += wide + between(canvas, -6, 22);
    }
  }
  const pavement = height * 0.86;
  ground.push(
    rect(0, horizonY + height * 0.12, width, height, darker(palette.near, 0.25)),
    rect(0, pavement, width, height - pavement, mix(palette.near, palette.far, 0.25)),
  );
  ground.push(...times(9, (index) => rect(width * (index / 8) - 30, pavement - 34, 60, 6, palette.second, 'fill-opacity=".65"')));
  return { sky: skyOf(canvas, horizonY), ground, groundY: height * 0.9 };
}

function tower(canvas: Canvas, x: number, base: number, wide: number, tall: number, color: string, share: number): string {
  const { palette, detail } = canvas;
  const parts = [
    rect(x, base - tall, wide, tall + canvas.height * 0.2, color),
    rect(x + wide * 0.8, base - tall, wide * 0.2, tall + canvas.height * 0.2, darker(color, 0.16)),
  ];
  if (canvas.random.next() < 0.4)
    parts.push(
      rect(x + wide * 0.3, base - tall - 26, wide * 0.3, 26, color),
      line(`M${n(x + wide * 0.45)} ${n(base - tall - 24)}v-40`, color, 4),
    );
  const lit = palette.night ? 0.55 : 0.25;
  const step = detail === 1 ? 44 : 24;
  const pane = `h${n(step * 0.42)}v${n(step * 0.5)}h${n(-step * 0.42)}z`;
  let panes = '';
  for (let row = base - tall + 16; row < base - 8; row += step) {
    for (let column = x + 10; column < x + wide * 0.8 - 10; column += step * 0.8) {
      if (canvas.random.next() < lit * (0.4 + share)) panes += `M${n(column)} ${n(row)}${pane}`;
    }
  }
  parts.push(path(panes, palette.night ? palette.accent : lighter(color, 0.45), 'fill-opacity=".85"'));
  return parts.join('');
}
