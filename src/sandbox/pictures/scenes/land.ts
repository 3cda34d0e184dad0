// Hills, mountains and dunes, and what grows and flies there.
// Deterministic: every choice comes from the canvas's own random stream.
import { between, type Canvas, line, n, path, rect, ridge, type Scene, skyOf, times } from '../canvas.ts';
import { darker, lighter, mix } from '../color.ts';
import { birds, grass, trees } from './nature.ts';

export function hills(canvas: Canvas): Scene {
  const { height, palette, detail } = canvas;
  const horizonY = height * between(canvas, 0.44, 0.56);
  const layers = 2 + detail;
  const ground: string[] = [];
  for (let layer = 0; layer < layers; layer += 1) {
    const share = layer / (layers - 1);
    const land = ridge(canvas, horizonY + (height - horizonY) * share * 0.62, 46 + 26 * (1 - share), 3 + (layer % 3));
    const color = mix(palette.far, palette.near, share);
    ground.push(path(land.d, color));
    if (detail > 1 && layer > 0) ground.push(...trees(canvas, land.at, 3 + detail * 4, 26 + 60 * share, darker(color, 0.28)));
  }
  if (detail === 3) ground.push(...grass(canvas, height * 0.93));
  return { sky: [...skyOf(canvas, horizonY), ...birds(canvas, horizonY)], ground, groundY: height * 0.86 };
}

export function mountains(canvas: Canvas): Scene {
  const { width, height, palette, detail } = canvas;
  const shoreY = height * between(canvas, 0.6, 0.68);
  const peaks = times(2 + detail, (index) => peak(canvas, ((index + between(canvas, 0.1, 0.9)) / (2 + detail)) * width, shoreY, index));
  const lake = rect(0, shoreY, width, height - shoreY, mix(palette.water, palette.sky[1], 0.35));
  const mirror = `<g transform="translate(0 ${n(shoreY * 1.55)}) scale(1 -.55)" opacity=".28">${peaks.join('')}</g>`;
  const ripples = times(detail * 9, () =>
    rect(
      between(canvas, -60, width),
      between(canvas, shoreY + 8, height * 0.84),
      between(canvas, 60, 260),
      3,
      lighter(palette.water, 0.5),
      'rx="2" fill-opacity=".3"',
    ),
  );
  const shore = ridge(canvas, height * 0.86, 20, 4);
  const wood = trees(canvas, () => shoreY + 4, detail * 12, 62, darker(mix(palette.far, palette.near, 0.7), 0.1));
  return {
    sky: [...skyOf(canvas, shoreY), ...peaks],
    ground: [lake, mirror, ...ripples, ...wood, path(shore.d, palette.near), ...(detail === 3 ? grass(canvas, height * 0.9) : [])],
    groundY: height * 0.9,
  };
}

function peak(canvas: Canvas, x: number, base: number, index: number): string {
  const { palette } = canvas;
  const tall = base * between(canvas, 0.42, 0.7);
  const half = tall * between(canvas, 0.62, 0.95);
  const color = mix(palette.far, palette.near, 0.18 + 0.14 * (index % 3));
  const top = base - tall;
  const snowY = top + tall * 0.3;
  const left = x - half * 0.3;
  const right = x + half * 0.3;
  const notches = `L${n(x + half * 0.12)} ${n(snowY - tall * 0.07)}L${n(x + half * 0.02)} ${n(snowY + tall * 0.05)}L${n(x - half * 0.12)} ${n(snowY - tall * 0.06)}`;
  return [
    path(`M${n(x - half)} ${n(base)}L${n(x)} ${n(top)}L${n(x + half)} ${n(base)}Z`, color),
    path(
      `M${n(x)} ${n(top)}L${n(x + half)} ${n(base)}H${n(x - half * 0.12)}L${n(x + half * 0.1)} ${n(top + tall * 0.55)}Z`,
      darker(color, 0.2),
    ),
    path(`M${n(left)} ${n(snowY)}L${n(x)} ${n(top)}L${n(right)} ${n(snowY)}${notches}Z`, '#ffffff', 'fill-opacity=".92"'),
  ].join('');
}

export function dunes(canvas: Canvas): Scene {
  const { width, height, palette, detail } = canvas;
  const horizonY = height * between(canvas, 0.5, 0.6);
  const ground: string[] = [];
  for (let layer = 0; layer < 2 + detail; layer += 1) {
    const share = layer / (1 + detail);
    const color = mix(mix(palette.second, palette.far, 0.55), darker(mix(palette.second, palette.near, 0.45), 0.1), share);
    const dune = ridge(canvas, horizonY + (height - horizonY) * share * 0.66, 60, 2);
    ground.push(path(dune.d, color));
    const crest = width * between(canvas, 0.2, 0.8);
    ground.push(
      path(
        `M${n(crest)} ${n(dune.at(crest))}Q${n(crest + 60)} ${n(dune.at(crest) + 160)} ${n(crest - 160)} ${height}H${width + 10}V${n(dune.at(width))}Q${n((crest + width) / 2)} ${n(dune.at((crest + width) / 2))} ${n(crest)} ${n(dune.at(crest))}Z`,
        darker(color, 0.22),
        'fill-opacity=".55"',
      ),
    );
  }
  const cacti = times(detail, () => cactus(canvas, width * between(canvas, 0.05, 0.95), height * between(canvas, 0.74, 0.88)));
  return { sky: [...skyOf(canvas, horizonY), ...birds(canvas, horizonY)], ground: [...ground, ...cacti], groundY: height * 0.88 };
}

function cactus(canvas: Canvas, x: number, y: number): string {
  const tall = between(canvas, 70, 130);
  return line(
    `M${n(x)} ${n(y)}v${n(-tall)}M${n(x)} ${n(y - tall * 0.4)}h${n(tall * 0.28)}v${n(-tall * 0.3)}M${n(x)} ${n(y - tall * 0.3)}h${n(-tall * 0.26)}v${n(-tall * 0.25)}`,
    mix(canvas.palette.near, '#2f7d5b', 0.6),
    tall * 0.15,
  );
}
