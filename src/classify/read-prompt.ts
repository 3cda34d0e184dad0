// Reads a prompt: how much legible lettering it asks for, how many things it describes, and why. No model, no network,
// no clock: word lists and a few rules, so that the same prompt always gets the same reading, in well under a
// millisecond, and every conclusion can be explained by the words that led to it.
import type { Evidence, PromptReading } from '../domain/need.ts';
import type { Complexity, TextAccuracy } from '../domain/vocabulary.ts';
import { readElements } from './elements.ts';
import { readLanguage } from './scripts.ts';
import { readTextAccuracy } from './text-accuracy.ts';
import { tokenise } from './tokens.ts';

/** Things described, extra persons and copies included: up to here a picture is simple… */
const SIMPLE_UP_TO = 2;
/** …and from here it is complex: six characters in a city of neon and rain (the brief's example of 230 s) make 13. */
const COMPLEX_FROM = 12;
/** One more of a kind weighs as much as two other things: it must match the first and differ in pose and place. */
const COPY_WEIGHT = 2;

/** Reads any string, however malformed; time grows linearly with its length. */
export function readPrompt(prompt: string): PromptReading {
  const tokens = tokenise(prompt);
  const text = readTextAccuracy(prompt, tokens);
  const things = readElements(prompt, tokens, text.strings);
  const complexity = judgeComplexity(things.elements + COPY_WEIGHT * things.copies, text.textAccuracy);
  const copies = things.copies > 0 ? ` and ${things.copies} more of their kind` : '';
  const evidence: readonly Evidence[] = [
    ...text.evidence,
    {
      field: 'complexity',
      rule: 'element-count',
      detail: `${things.elements} distinct things${copies}${text.textAccuracy === 'exact' ? ', and exact lettering' : ''}: ${complexity}`,
      ...(things.sample ? { quote: things.sample } : {}),
    },
    ...readLanguage(prompt, tokens),
  ];
  return { textAccuracy: text.textAccuracy, elements: things.elements, complexity, words: things.words, evidence };
}

/** Lettering that must be exact makes no picture simple. */
function judgeComplexity(things: number, text: TextAccuracy): Complexity {
  if (things >= COMPLEX_FROM) return 'complex';
  return things <= SIMPLE_UP_TO && text !== 'exact' ? 'simple' : 'normal';
}
