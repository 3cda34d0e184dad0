// Who stands in the foreground, when the prompt names someone the sandbox can draw. Simple figures in a box 200 units wide
// whose feet are at (0, 0); a prompt without one gets none, and its scene alone tells it from others.
import { type Canvas, circle, ellipse, line, path, rect, times } from './canvas.ts';
import { darker, lighter } from './color.ts';

type Figure = (canvas: Canvas) => readonly string[];

const shadow = ellipse(0, 2, 95, 13, '#000', 'fill-opacity=".22"');

function pet(fur: string, ears: 'pointed' | 'hanging'): Figure {
  return ({ detail }) => {
    const dark = darker(fur, 0.3);
    const ear =
      ears === 'pointed'
        ? path('M-56 -196L-50 -262L-12 -226ZM56 -196L50 -262L12 -226Z', fur) +
          path('M-48 -206L-45 -244L-24 -224ZM48 -206L45 -244L24 -224Z', '#e8a0a0')
        : ellipse(-60, -186, 20, 44, dark, 'transform="rotate(12 -60 -186)"') +
          ellipse(60, -186, 20, 44, dark, 'transform="rotate(-12 60 -186)"');
    const whiskers =
      ears === 'pointed' && detail > 1
        ? line('M-22 -166L-74 -174M-22 -160L-74 -156M22 -166L74 -174M22 -160L74 -156', '#fff', 2.5, 'stroke-opacity=".8"')
        : '';
    const stripes =
      detail === 3
        ? line('M-14 -234v18M0 -238v22M14 -234v18M-62 -70h22M-66 -50h22M62 -70h-22M66 -50h-22', dark, 5, 'stroke-opacity=".7"')
        : '';
    return [
      shadow,
      line(ears === 'pointed' ? 'M66 -24C130 -20 124 -90 96 -104' : 'M66 -40C104 -56 112 -84 104 -104', fur, 22),
      ellipse(0, -70, 74, 76, fur),
      ellipse(0, -56, 40, 56, lighter(fur, 0.4)),
      ellipse(-34, -10, 24, 14, lighter(fur, 0.2)),
      ellipse(34, -10, 24, 14, lighter(fur, 0.2)),
      ear,
      circle(0, -180, 62, fur),
      ellipse(0, -160, 32, 24, lighter(fur, 0.5)),
      circle(-24, -190, 10, '#22252e'),
      circle(24, -190, 10, '#22252e'),
      circle(-21, -194, 3.5, '#fff'),
      circle(27, -194, 3.5, '#fff'),
      path('M-9 -172H9L0 -162Z', '#3a2a2e'),
      line('M0 -162q-2 12 -14 11M0 -162q2 12 14 11', '#3a2a2e', 3.5),
      whiskers,
      stripes,
    ];
  };
}

const robot: Figure = ({ palette, detail }) => [
  shadow,
  rect(-48, -40, 30, 40, '#6b7686', 'rx="6"'),
  rect(18, -40, 30, 40, '#6b7686', 'rx="6"'),
  line('M-62 -128Q-104 -110 -92 -64M62 -128Q104 -110 92 -64', '#8895a7', 18),
  rect(-66, -150, 132, 116, '#b8c4d2', 'rx="20"'),
  rect(-40, -126, 80, 52, '#2b3445', 'rx="8"'),
  ...(detail > 1
    ? times(3, (index) => circle(-24 + index * 24, -54, 7, [palette.accent, palette.second, '#6fcf97'][index] ?? palette.accent))
    : []),
  line('M-28 -100h14l8 -16l12 30l8 -14h14', '#6fffc4', 4),
  line('M0 -236v-30', '#8895a7', 7),
  circle(0, -270, 10, palette.accent),
  rect(-58, -240, 116, 84, '#cfd8e3', 'rx="26"'),
  rect(-42, -222, 84, 44, '#2b3445', 'rx="20"'),
  circle(-19, -200, 10, '#7fe7ff'),
  circle(19, -200, 10, '#7fe7ff'),
];

const house: Figure = ({ palette, detail }) => [
  ellipse(0, 2, 140, 13, '#000', 'fill-opacity=".2"'),
  rect(44, -214, 26, 70, darker(palette.accent, 0.35)),
  rect(-100, -120, 200, 120, lighter(palette.second, 0.65)),
  path('M-122 -116L0 -216L122 -116Z', palette.accent),
  path('M0 -216L122 -116H0Z', darker(palette.accent, 0.18)),
  rect(-22, -70, 44, 70, darker(palette.near, 0.1), 'rx="4"'),
  ...[-76, 40].flatMap((x) => [
    rect(x, -90, 36, 38, '#ffe9a8'),
    ...(detail > 1 ? [line(`M${x + 18} -90v38M${x} -71h36`, '#7a5c3a', 4)] : []),
  ]),
];

const cup: Figure = ({ palette, detail }) => [
  ellipse(0, -2, 110, 18, lighter(palette.second, 0.75)),
  ellipse(0, -6, 92, 12, lighter(palette.second, 0.5)),
  line('M62 -98C118 -104 112 -36 52 -36', palette.accent, 16),
  path('M-72 -128H72Q70 -10 0 -10Q-70 -10 -72 -128Z', palette.accent),
  path('M24 -128H72Q70 -10 0 -10Q36 -40 24 -128Z', darker(palette.accent, 0.18)),
  ellipse(0, -128, 72, 17, lighter(palette.accent, 0.25)),
  ellipse(0, -127, 60, 12, '#4a2c1a'),
  ...(detail > 1
    ? [line('M-24 -160q-16 -24 0 -46t0 -46M6 -160q-16 -24 0 -46t0 -46M36 -160q-16 -24 0 -46t0 -46', '#fff', 8, 'stroke-opacity=".4"')]
    : []),
];

const balloon: Figure = ({ palette }) => [
  line('M-34 -292L-20 -226M34 -292L20 -226M0 -296V-226', '#5b4636', 3),
  path('M0 -540C-128 -540 -128 -390 -36 -292H36C128 -390 128 -540 0 -540Z', palette.accent),
  path('M0 -540C-66 -540 -62 -390 -16 -292H16C62 -390 66 -540 0 -540Z', palette.second),
  path('M0 -540C-20 -540 -22 -390 -6 -292H6C22 -390 20 -540 0 -540Z', lighter(palette.second, 0.6)),
  rect(-24, -228, 48, 38, '#8a5a33', 'rx="6"'),
  line('M-22 -214h44', '#5b3a20', 4),
];

const rocket: Figure = ({ palette }) => [
  path('M-26 -40Q0 60 26 -40Z', palette.second),
  path('M-13 -40Q0 24 13 -40Z', '#fff3c4'),
  path('M-44 -150L-84 -40L-40 -66ZM44 -150L84 -40L40 -66Z', palette.accent),
  path('M0 -330C-74 -240 -56 -100 -40 -40H40C56 -100 74 -240 0 -330Z', '#eef2f7'),
  path('M0 -330C30 -290 60 -150 40 -40H12C30 -140 24 -260 0 -330Z', '#c3ccd8'),
  path('M0 -330C-22 -304 -36 -280 -42 -252H42C36 -280 22 -304 0 -330Z', palette.accent),
  circle(0, -196, 26, '#55617a'),
  circle(0, -196, 18, '#8fd3ff'),
  circle(-6, -202, 6, '#fff', 'fill-opacity=".8"'),
];

const lighthouse: Figure = ({ palette, detail }) => [
  ellipse(0, 2, 130, 26, darker(palette.near, 0.1)),
  path('M-50 0L-32 -270H32L50 0Z', '#f7f2ea'),
  ...[0, 1, 2].map((index) =>
    path(
      `M${-47 + index * 6} ${-44 - index * 84}L${-43.5 + index * 6} ${-88 - index * 84}H${43.5 - index * 6}L${47 - index * 6} ${-44 - index * 84}Z`,
      palette.accent,
    ),
  ),
  rect(-44, -284, 88, 16, darker(palette.near, 0.2), 'rx="4"'),
  rect(-24, -326, 48, 44, '#ffe9a8'),
  path('M-36 -324Q0 -380 36 -324Z', palette.accent),
  ...(detail > 1
    ? [
        '<defs><linearGradient id="beam"><stop offset="0" stop-color="#ffe9a8" stop-opacity=".6"/><stop offset="1" stop-color="#ffe9a8" stop-opacity="0"/></linearGradient></defs>',
        path('M24 -306L460 -390V-220Z', 'url(#beam)'),
      ]
    : []),
];

const bird: Figure = ({ palette, detail }) => [
  shadow,
  line('M-14 -20v22M14 -20v22', '#d08a2e', 6),
  path('M-60 -70L-130 -44L-66 -36Z', darker(palette.accent, 0.3)),
  ellipse(0, -74, 72, 60, palette.accent),
  ellipse(14, -58, 46, 40, lighter(palette.accent, 0.55)),
  path('M-50 -92Q-10 -100 8 -62Q-40 -30 -62 -60Z', darker(palette.accent, 0.25)),
  circle(44, -138, 40, palette.accent),
  path('M78 -146L116 -132L78 -124Z', '#f2b134'),
  circle(54, -146, 9, '#fff'),
  circle(56, -146, 5.5, '#20232b'),
  ...(detail === 3 ? [line('M-46 -78q18 2 30 14M-50 -66q16 4 24 14', darker(palette.accent, 0.45), 4)] : []),
];

const tree: Figure = ({ detail }) => [
  ellipse(0, 2, 120, 15, '#000', 'fill-opacity=".22"'),
  path('M-20 0Q-10 -80 -16 -170H16Q10 -80 22 0Z', '#6b4528'),
  circle(-62, -210, 74, '#3f8f56'),
  circle(62, -214, 72, '#357d4c'),
  circle(0, -284, 86, '#4aa564'),
  ...(detail > 1 ? times(7, (index) => circle(-90 + index * 30, -230 - ((index * 53) % 90), 10, '#d8412f')) : []),
];

/** Word -> figure, its size, and how tall it is drawn. The first word that matches wins. */
const FIGURES: readonly (readonly [pattern: RegExp, figure: Figure, scale: number, tall: number])[] = [
  [/\b(?:cats?|kittens?|tiger)\b/i, pet('#d9893d', 'pointed'), 1.15, 265],
  [/\b(?:fox|foxes)\b/i, pet('#d4622a', 'pointed'), 1.15, 265],
  [/\b(?:dogs?|pupp(?:y|ies)|bear)\b/i, pet('#a9744a', 'hanging'), 1.15, 245],
  [/\b(?:robots?|androids?|machine)\b/i, robot, 1.2, 282],
  [/\b(?:rockets?|spaceship)\b/i, rocket, 1.2, 332],
  [/\blighthouses?\b/i, lighthouse, 1.3, 375],
  [/\b(?:balloons?)\b/i, balloon, 0.95, 545],
  [/\b(?:coffee|cups?|mugs?|tea|espresso|latte)\b/i, cup, 1.2, 255],
  [/\b(?:birds?|owls?|parrots?|robin|penguin|duck)\b/i, bird, 1.2, 182],
  [/\b(?:trees?|oak|apple)\b/i, tree, 1.2, 372],
  [/\b(?:houses?|cabins?|cottages?|homes?|hut|farm|bakery|shop|store)\b/i, house, 1.3, 218],
];

/** The figure the prompt names, standing at (x, y) and no higher than `topY`; nothing when it names none. */
export function subjectOf(prompt: string, canvas: Canvas, x: number, y: number, topY: number): readonly string[] {
  const found = FIGURES.find(([pattern]) => pattern.test(prompt));
  if (found === undefined) return [];
  const [, figure, wish, tall] = found;
  const scale = Math.max(0.4, Math.min(wish, (y - topY - 16) / tall));
  return [`<g transform="translate(${Math.round(x)} ${Math.round(y)}) scale(${scale.toFixed(3)})">${figure(canvas).join('')}</g>`];
}
