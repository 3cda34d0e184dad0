// What stands where a value should: right ones, wrong types, borders, and things that broke other people's servers.
import type { Draw } from './draw.ts';

/** Every prompt of the run carries it; it must never be seen in a log. */
export const CANARY = 'CANARY7f3a';
/** The same for keys, which must not be seen in an answer either. */
export const KEY_CANARY = 'KEYCANARY91c';

export const FIELDS = [
  'prompt',
  'model',
  'n',
  'size',
  'quality',
  'output_format',
  'output_compression',
  'background',
  'moderation',
  'stream',
  'partial_images',
  'user',
  'safety_identifier',
  'response_format',
  'input_fidelity',
  'style',
  'latency_budget_ms',
  'text_accuracy',
  'max_cost_usd',
  'policy',
  'on_late',
  'preview',
  'aspect_ratio',
  'consistent',
  'images',
  'mask',
  'image',
  'promt',
  'Size',
  '__proto__',
  'constructor',
  'toString',
  '',
] as const;

const TEXTS = [
  'auto',
  'premium',
  'standard',
  'preview',
  'gpt-image-2',
  'gpt-image-2-low',
  'nano-banana-pro',
  'no-such-model',
  '1024x1024',
  '1x1',
  '99999999x1',
  '0x0',
  '-5',
  '2',
  '1e309',
  'NaN',
  'Infinity',
  'true',
  'TRUE',
  'null',
  'low',
  'png',
  'svg',
  'transparent',
  'degrade',
  'fail',
  'chat',
  'b64_json',
  'url',
  '16:9',
  '0:0',
  '',
  ' ',
  '\u0000',
  '\ud800',
  '𝕱𝖔𝖝 🦊 ',
  'ﷺ'.repeat(50),
  "'; DROP TABLE keys; --",
  '../../etc/passwd',
  '%{jndi:ldap://x}',
  '{{7*7}}',
  '%00%ff',
  '\r\nx-injected: 1',
  '<script>alert(1)</script>',
] as const;
const NUMBERS = [0, 1, 2, 3, 10, 11, -1, 0.5, 1e3, 6_000, 60_000, 86_400_001, 1e21, -0, Number.MAX_SAFE_INTEGER, 2 ** 53, 5e-324] as const;

/** Right values, and some just beyond: with these a case gets past the first check, to where the second one is. */
const PLAUSIBLE: readonly (readonly [string, readonly unknown[]])[] = [
  ['model', ['auto', 'preview', 'premium', 'gpt-image-2', 'gpt-image-2-low', 'nano-banana-pro']],
  ['n', [1, 2, '3', 10, 11]],
  ['size', ['auto', '1024x1024', '1536x1024', '1920x1080', '16x16']],
  ['quality', ['auto', 'low', 'high', 'hd']],
  ['output_format', ['png', 'jpeg', 'webp', null]],
  ['output_compression', [0, '50', 100, 101]],
  ['background', ['auto', 'opaque', 'transparent']],
  ['stream', [true, false, 'true']],
  ['partial_images', [0, '1', 3, 4]],
  ['user', [CANARY, 'somebody']],
  ['latency_budget_ms', [6_000, '60000', 1, 1e9]],
  ['text_accuracy', ['auto', 'none', 'exact']],
  ['max_cost_usd', [0.000001, 0.05, '1', 1e9]],
  ['policy', ['chat', 'default', 'batch']],
  ['on_late', ['degrade', 'fail']],
  ['preview', [true, 'false']],
  ['aspect_ratio', ['1:1', '16:9', '100:1']],
  ['consistent', [true, 'true']],
];

export function plausible(draw: Draw): readonly [string, unknown] {
  const [name, values] = draw.pick(PLAUSIBLE);
  return [name, draw.pick(values)];
}

export function text(draw: Draw): string {
  const value = draw.pick(TEXTS);
  return draw.chance(0.2) ? value.repeat(1 + draw.below(40)) : value;
}

export function prompt(draw: Draw): string {
  const about = draw.pick([
    'a red fox',
    'a poster that says "OPEN"',
    'ein Wald',
    text(draw),
    'x'.repeat(draw.pick([31_990, 32_001, 100_000])),
  ]);
  return `${CANARY} ${about}`;
}

function value(draw: Draw, depth = 0): unknown {
  const kind = draw.below(depth > 3 ? 5 : 8);
  if (kind < 2) return text(draw);
  if (kind === 2) return draw.pick(NUMBERS);
  if (kind === 3) return draw.chance(0.5);
  if (kind === 4) return null;
  if (kind === 5) return Array.from({ length: draw.below(4) }, () => value(draw, depth + 1));
  if (kind === 6) return Object.fromEntries(Array.from({ length: draw.below(4) }, () => [draw.pick(FIELDS), value(draw, depth + 1)]));
  return nested(draw.below(200));
}

function nested(depth: number): unknown {
  let inner: unknown = CANARY;
  for (let level = 0; level < depth; level += 1) inner = level % 2 === 0 ? [inner] : { a: inner };
  return inner;
}

/** A body that would do, with some of its fields made strange. */
export function body(draw: Draw): Record<string, unknown> {
  const fields: Record<string, unknown> = { prompt: prompt(draw), model: draw.pick(['auto', 'preview', 'gpt-image-2', 'nano-banana-pro']) };
  for (let count = draw.below(4); count > 0; count -= 1) {
    const [name, given] = draw.chance(0.8) ? plausible(draw) : [draw.pick(FIELDS), value(draw)];
    Object.defineProperty(fields, name, { value: given, enumerable: true, configurable: true, writable: true });
  }
  if (draw.chance(0.1)) Reflect.deleteProperty(fields, 'prompt');
  return fields;
}
