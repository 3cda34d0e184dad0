// Finds lettering given without quotation marks: "that reads go away", "the letter P", "the sign CAFE ROYAL". Only words
// that announce letters are followed, and what follows must look like lettering (capitals, figures, a colon) unless the
// announcement is unmistakable: "reading a book" and "the number of birds" announce nothing.
import { type Cue, carrierOfSpeech, type Lettering } from './lettering.ts';
import type { Quote } from './quotes.ts';
import { firstFrom, indexFrom } from './spots.ts';
import { isOneSentence, type Token } from './tokens.ts';
import { ANNOUNCING, CARRYING, ENDS_STRING, NO_LETTERING, SINGLE, UNMISTAKABLE } from './vocabulary/announcing.ts';

/** A quote this near behind the announcement is what it announces. */
const QUOTE_REACH = 80;
/** Longer runs are prose that happens to follow such a word. */
const LONGEST_RUN = 12;

/** Strings given without quotation marks: "that reads go away", "the letter P", "with the number 55". */
export function unquotedLettering(
  prompt: string,
  tokens: readonly Token[],
  cues: readonly Cue[],
  quotes: readonly Quote[],
): readonly Lettering[] {
  const found: Lettering[] = [];
  for (const cue of cues) {
    if (!ANNOUNCING.has(cue.phrase) && !CARRYING.has(cue.phrase)) continue;
    const quote = firstFrom(quotes, cue.end);
    if (quote && quote.start - cue.end <= QUOTE_REACH && isOneSentence(prompt, cue.end, quote.start)) continue;
    if (cue.concept === 'says' && carrierOfSpeech(prompt, cue, cues) === undefined) continue;
    const run = runAfter(prompt, tokens, cue);
    const text = run && prompt.slice(run.start, run.end);
    if (run && text) found.push({ text, start: run.start, end: run.end, rule: 'announced-text', because: cue.phrase });
  }
  return found;
}

type Run = { readonly start: number; readonly end: number };

function runAfter(prompt: string, tokens: readonly Token[], cue: Cue): Run | undefined {
  const at = indexFrom(tokens, cue.end);
  const first = tokens[at];
  if (!first || first.start - cue.end > 4 || !isOneSentence(prompt, cue.end, first.start)) return undefined;
  const isLoud = isSpelledLoud(prompt, first) || (first.end - first.start === 1 && SINGLE.has(cue.phrase));
  if (!startsString(prompt, cue, first, isLoud)) return undefined;
  return { start: first.start, end: endOfRun(prompt, tokens.slice(at, at + LONGEST_RUN), isLoud) };
}

/** Whether the word behind an announcement is lettering rather than the sentence going on. */
function startsString(prompt: string, cue: Cue, first: Token, isLoud: boolean): boolean {
  if (CARRYING.has(cue.phrase)) return isShouted(prompt, first);
  if (prompt.slice(cue.end, first.start).includes(':')) return true;
  if (NO_LETTERING.has(first.word)) return isLoud && (first.word.length > 1 || SINGLE.has(cue.phrase));
  return isLoud || UNMISTAKABLE.has(cue.phrase);
}

function endOfRun(prompt: string, run: readonly Token[], isLoud: boolean): number {
  let end = run[0]?.end ?? 0;
  for (const token of run.slice(1)) {
    const isTokenLoud = isSpelledLoud(prompt, token);
    if (!joins(prompt.slice(end, token.start), isLoud && isTokenLoud)) break;
    if (!isTokenLoud && (ENDS_STRING.has(token.word) || (isLoud && token.word !== 'and'))) break;
    end = token.end;
  }
  return end;
}

/** Spaces join the words of a string, and commas those of a list in capitals or figures: labelled A, B, C. */
function joins(between: string, isLoudList: boolean): boolean {
  return between.length <= 3 && !between.includes('\n') && (/^[ '&!]*$/.test(between) || (isLoudList && between.trim() === ','));
}

/** In capitals, with a capital, or a figure: the way names and inscriptions are typed. */
function isSpelledLoud(prompt: string, token: Token): boolean {
  const code = prompt.charCodeAt(token.start);
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39);
}

/** Three capitals or more: no ordinary word, hardly an abbreviation. */
function isShouted(prompt: string, token: Token): boolean {
  const text = prompt.slice(token.start, token.end);
  return text.length > 2 && text === text.toUpperCase() && text !== text.toLowerCase();
}
