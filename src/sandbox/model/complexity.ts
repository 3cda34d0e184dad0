// How hard a prompt is for the model. The sandbox's own rule on purpose: the router's classifier guesses at something a
// provider never tells, so it must not be graded against itself.
import type { Complexity } from '../../domain/vocabulary.ts';

/** Up to this weight a prompt is one plain subject; from the other on it is a composition. */
const SIMPLE_UP_TO = 1.6;
const COMPLEX_FROM = 6;
const WORDS_PER_POINT = 15;

/** Words, clauses and quoted lettering, weighed. Scripts without spaces count four characters as a word. */
export function complexityOf(prompt: string): Complexity {
  const weight = wordsIn(prompt) / WORDS_PER_POINT + 0.5 * clausesIn(prompt) + quotedTextsIn(prompt).length;
  if (weight < SIMPLE_UP_TO) return 'simple';
  return weight < COMPLEX_FROM ? 'normal' : 'complex';
}

function wordsIn(prompt: string): number {
  const spaced = prompt.split(/\s+/).filter((word) => word !== '').length;
  const unspaced = prompt.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/gu)?.length ?? 0;
  return spaced + unspaced / 4;
}

function clausesIn(prompt: string): number {
  return prompt.match(/[,;:.\u3001\u3002\uff0c](?=\s|\p{sc=Han})|\b(?:and|with|while|holding|behind|under)\b/giu)?.length ?? 0;
}

const QUOTED =
  /"([^"\n]{1,200})"|\u201c([^\u201d\n]{1,200})\u201d|\u201e([^\u201c\u201d\n]{1,200})[\u201c\u201d]|\u00ab([^\u00bb\n]{1,200})\u00bb|\u300c([^\u300d\n]{1,200})\u300d|(?<![\p{L}\p{N}])['\u2018]([^'\u2019\n]{1,200})['\u2019](?![\p{L}\p{N}])/gu;

/** What the prompt asks to be lettered: everything between quotation marks, in order. */
export function quotedTextsIn(prompt: string): readonly string[] {
  return [...prompt.matchAll(QUOTED)]
    .map(
      (match) =>
        match
          .slice(1)
          .find((text) => text !== undefined)
          ?.trim() ?? '',
    )
    .filter((text) => text !== '');
}
