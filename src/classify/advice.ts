// Advice on prompts for the premium tier, where every superfluous word is reasoning time: the brief keeps them under 200
// words with the core elements in the first 50. Advice only; nothing is refused or rewritten.
import type { PromptReading, Warning } from '../domain/need.ts';
import type { Tier } from '../domain/vocabulary.ts';
import { readElements } from './elements.ts';
import { readTextAccuracy } from './text-accuracy.ts';
import { tokenise } from './tokens.ts';

/** The brief, practice 9. */
const MOST_WORDS = 200;
const CORE_WORDS = 50;
/** Below this share of what is described, the opening names hardly any of it. */
const LEAST_CORE_SHARE = 0.12;
/** Fewer things in all than this are no reason to complain about their place. */
const LEAST_ELEMENTS = 6;
/** Where words are not separated by spaces, 50 words are about so many characters. */
const CORE_CHARACTERS = 85;

/** Warnings about the prompt, for the tier it will be drawn on. */
export function advise(prompt: string, reading: PromptReading, tier: Tier): readonly Warning[] {
  if (tier !== 'premium') return [];
  const warnings: Warning[] = [];
  if (reading.words > MOST_WORDS) {
    warnings.push({
      code: 'prompt-too-long',
      detail: `the prompt has ${reading.words} words: premium works best with at most ${MOST_WORDS}, more only add reasoning time`,
    });
  }
  const late = reading.words > CORE_WORDS ? lateCore(prompt) : undefined;
  return late === undefined ? warnings : [...warnings, { code: 'core-elements-late', detail: late }];
}

function lateCore(prompt: string): string | undefined {
  const tokens = tokenise(prompt);
  const until = tokens[CORE_WORDS]?.start ?? CORE_CHARACTERS;
  const { strings } = readTextAccuracy(prompt, tokens);
  const things = readElements(prompt, tokens, strings);
  const early = things.firsts.filter((at) => at < until).length;
  const first = strings[0];
  if (first && first.start >= until) return `the lettering comes after the first ${CORE_WORDS} words: say it earlier`;
  if (things.elements < LEAST_ELEMENTS || early >= things.elements * LEAST_CORE_SHARE) return undefined;
  return `the first ${CORE_WORDS} words name ${early} of ${things.elements} things: put the core elements first`;
}
