// Harmless prompts to drill with, the same ones every time: mostly pictures, one in five with words to be read.
import type { Random } from '../../system/random.ts';

const SUBJECTS = [
  'a red fox',
  'a lighthouse',
  'a ceramic teapot',
  'an old bicycle',
  'a sleeping cat',
  'a hot-air balloon',
  'a bowl of plums',
];
const PLACES = ['in fresh snow', 'beside a window', 'on a cliff at dusk', 'in a quiet street', 'under autumn trees', 'on a wooden table'];
const MANNERS = ['watercolour', 'soft morning light', 'flat illustration', 'studio photograph', 'ink drawing'];
const WORDS = ['Open today', 'Grand opening on Saturday at noon', 'Summer sale', 'Fresh bread every morning from six'];
const LETTERED_SHARE = 0.2;

export function drillPrompt(random: Random): string {
  const pick = (from: readonly string[]): string => from[Math.floor(random.next() * from.length)] ?? '';
  const picture = `${pick(SUBJECTS)} ${pick(PLACES)}, ${pick(MANNERS)}`;
  return random.next() < LETTERED_SHARE ? `A sign with the words "${pick(WORDS)}" beside ${picture}` : picture;
}
