// Decides which lettering words are refused: "no text, logos or watermarks", "text-free", "无文字", "글자 없음". A refusal
// reaches the words right behind it and runs on through a list; `with`, `but`, `except` and a full stop end it.
import { type Hit, phrases } from './lexicon.ts';
import { firstFrom, lastBefore } from './spots.ts';
import { isOneSentence, type Token } from './tokens.ts';
import type { LetteringConcept } from './vocabulary/lettering.ts';

/** Characters between a refusal and what it refuses: "no visible brand names or" is about the longest in use. */
const REACH = 40;
/** Characters between two words of a refused list. */
const LIST_REACH = 30;
/** A "negative prompt" section goes on for paragraphs. */
const SECTION_REACH = 1_500;
/** Words that end a refusal. */
const ENDS_REFUSAL = new Set(
  phrases('with, but, except, only, just, other, extra, additional, is, are, mit, con, avec, com, sauf, excepto'),
);
/** "No other text", "no extra labels": refuses the rest and leaves what was asked for. */
const REST_WORDS = new Set(
  phrases(
    'other, extra, additional, further, more, else, unwanted, random, fake, misspelled, distorted, garbled, readable, legible, artificial, added',
  ),
);

export type Refusals = {
  /** Starts of the refused words. */
  readonly refused: ReadonlySet<number>;
  /** The prompt refuses lettering as such, not only further lettering: its own words. */
  readonly everything: { readonly start: number; readonly end: number } | undefined;
};

type Spot = Pick<Hit<LetteringConcept>, 'start' | 'end'>;

/** `targets` are the words that can be refused, in order; `hits` those of the lettering vocabulary, in order. */
export function findRefusals(
  prompt: string,
  tokens: readonly Token[],
  hits: readonly Hit<LetteringConcept>[],
  targets: readonly (Spot & { readonly isGeneric: boolean })[],
): Refusals {
  const stops = tokens.filter((token) => ENDS_REFUSAL.has(token.word));
  const rests = tokens.filter((token) => REST_WORDS.has(token.word));
  const before = hits.filter((hit) => hit.concept === 'negator');
  const sections = before.filter((hit) => hit.phrase.startsWith('negative'));
  const after = hits.filter((hit) => hit.concept === 'negated-after');
  const refused = new Set<number>();
  let everything: Spot | undefined;
  let last: Spot | undefined;
  for (const target of targets) {
    const isListed = last !== undefined && reaches(prompt, last, target, LIST_REACH, stops);
    const negator = lastBefore(before, target.start);
    const follower = firstFrom(after, target.end);
    const section = lastBefore(sections, target.start);
    const isInSection = section !== undefined && target.start - section.end <= SECTION_REACH;
    const isRefused =
      isListed ||
      isInSection ||
      (negator !== undefined && reaches(prompt, negator, target, REACH, stops)) ||
      (follower !== undefined && follower.start - target.end <= 6 && isOneSentence(prompt, target.end, follower.start));
    if (!isRefused) {
      last = undefined;
      continue;
    }
    refused.add(target.start);
    last = target;
    const from = negator?.end ?? target.start;
    const isRest = !isListed && (lastBefore(rests, target.start)?.start ?? -1) >= from;
    if (target.isGeneric && !isRest && !isInSection) everything ??= target;
  }
  return { refused, everything };
}

function reaches(prompt: string, from: Spot, to: Spot, reach: number, stops: readonly Token[]): boolean {
  if (to.start < from.end || to.start - from.end > reach || !isOneSentence(prompt, from.end, to.start)) return false;
  const stop = firstFrom(stops, from.end);
  return stop === undefined || stop.start >= to.start || REST_WORDS.has(stop.word);
}
