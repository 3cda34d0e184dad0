// Indoors: a table with fruit and flowers, and a window whose view has the palette's sky.
// Deterministic: every choice comes from the canvas's own random stream.
import { between, type Canvas, circle, ellipse, line, n, path, rect, ridge, type Scene, skyOf, times } from '../canvas.ts';
import { darker, lighter, mix } from '../color.ts';

export function room(canvas: Canvas): Scene {
  const { width, height, palette, detail } = canvas;
  const tableY = height * 0.7;
  const wall = lighter(mix(palette.far, palette.sky[2], 0.5), palette.night ? 0.05 : 0.3);
  const paneW = width * 0.42;
  const paneH = height * 0.42;
  const left = width * between(canvas, 0.08, 0.48);
  const top = height * 0.1;
  const view = ridge(canvas, top + paneH * 0.75, 24, 5);
  const stripes = detail > 1 ? times(Math.round(width / 60), (index) => rect(index * 60, 0, 30, tableY, darker(wall, 0.04))) : [];
  const grain = times(detail * 6, () =>
    rect(
      between(canvas, -100, width),
      between(canvas, tableY + 20, height),
      between(canvas, 100, 400),
      3,
      darker(palette.second, 0.5),
      'rx="2" fill-opacity=".35"',
    ),
  );
  return {
    sky: [
      rect(0, 0, width, height, wall),
      ...stripes,
      `<clipPath id="pane"><rect x="${n(left)}" y="${n(top)}" width="${n(paneW)}" height="${n(paneH)}"/></clipPath><g clip-path="url(#pane)">`,
      ...skyOf(canvas, top + paneH * 0.8),
      path(view.d, mix(palette.far, palette.near, 0.6)),
      '</g>',
      line(
        `M${n(left)} ${n(top)}h${n(paneW)}v${n(paneH)}h${n(-paneW)}ZM${n(left + paneW / 2)} ${n(top)}v${n(paneH)}M${n(left)} ${n(top + paneH * 0.45)}h${n(paneW)}`,
        lighter(palette.second, 0.72),
        16,
      ),
      rect(left - 30, top + paneH + 4, paneW + 60, 22, lighter(palette.second, 0.6), 'rx="4"'),
    ],
    ground: [
      rect(0, tableY, width, height - tableY, darker(palette.second, 0.3)),
      rect(0, tableY, width, 16, lighter(palette.second, 0.15)),
      ...grain,
      vase(canvas, width * between(canvas, 0.72, 0.84), tableY + 96),
      ...times(1 + detail, (index) => fruit(canvas, width * 0.1 + index * 92, tableY + 110 + (index % 2) * 40)),
    ],
    groundY: height * 0.86,
  };
}

function vase(canvas: Canvas, x: number, y: number): string {
  const { palette, detail } = canvas;
  const stems = times(2 + detail * 2, () => {
    const dx = between(canvas, -110, 110);
    const tall = between(canvas, 250, 400);
    const color = canvas.random.next() < 0.5 ? palette.accent : lighter(palette.accent, 0.4);
    const petals = times(6, (petal) => circle(x + dx + Math.cos(petal * 1.047) * 20, y - tall + Math.sin(petal * 1.047) * 20, 16, color));
    return (
      line(`M${n(x)} ${n(y - 150)}Q${n(x + dx * 0.2)} ${n(y - tall * 0.7)} ${n(x + dx)} ${n(y - tall)}`, '#3c7a57', 6) +
      petals.join('') +
      circle(x + dx, y - tall, 13, palette.second)
    );
  });
  const body = path(
    `M${n(x - 34)} ${n(y - 160)}H${n(x + 34)}Q${n(x + 26)} ${n(y - 120)} ${n(x + 66)} ${n(y - 60)}Q${n(x + 70)} ${n(y)} ${n(x)} ${n(y)}Q${n(x - 70)} ${n(y)} ${n(x - 66)} ${n(y - 60)}Q${n(x - 26)} ${n(y - 120)} ${n(x - 34)} ${n(y - 160)}Z`,
    palette.water,
  );
  return stems.join('') + body + ellipse(x - 26, y - 58, 9, 34, lighter(palette.water, 0.5), 'fill-opacity=".7"');
}

function fruit(canvas: Canvas, x: number, y: number): string {
  const { palette } = canvas;
  const color = canvas.random.next() < 0.5 ? palette.accent : palette.second;
  return (
    ellipse(x, y + 42, 52, 10, '#000', 'fill-opacity=".18"') +
    circle(x, y, 46, color) +
    circle(x - 14, y - 15, 13, lighter(color, 0.5), 'fill-opacity=".7"') +
    line(`M${n(x)} ${n(y - 44)}q4 -14 14 -18`, '#4b3621', 5)
  );
}
