// Gathers everything a prompt says about lettering: the strings to draw, the kinds of picture named, the parts of a page, and
// what is refused. It weighs nothing; text-accuracy.ts does.
import { unquotedLettering } from './announced.ts';
import { countLetteringWords, type Lettering, quotedLettering } from './lettering.ts';
import { compileLexicon, findPhrases, type Hit } from './lexicon.ts';
import { findRefusals } from './negation.ts';
import { findQuotes, type Quote } from './quotes.ts';
import { indexFrom } from './spots.ts';
import { isStructured, structuredLettering } from './structured.ts';
import type { Token } from './tokens.ts';
import { type ArtefactConcept, artefactVocabulary } from './vocabulary/artefacts.ts';
import { type LetteringConcept, letteringVocabulary } from './vocabulary/lettering.ts';

const letteringLexicon = compileLexicon(letteringVocabulary);
const artefactLexicon = compileLexicon(artefactVocabulary);

export type Findings = {
  readonly strings: readonly Lettering[];
  readonly words: number;
  readonly documents: readonly Hit<ArtefactConcept>[];
  readonly drawings: readonly Hit<ArtefactConcept>[];
  readonly labelling: readonly Hit<ArtefactConcept>[];
  readonly shorts: readonly Hit<ArtefactConcept>[];
  readonly layout: readonly Hit<LetteringConcept>[];
  readonly letters: readonly Hit<LetteringConcept>[];
  readonly bubbles: readonly Hit<LetteringConcept>[];
  readonly refusal: string | undefined;
};

/** Everything the prompt says about lettering, refused words left out. */
export function gather(prompt: string, tokens: readonly Token[]): Findings {
  const quotes = findQuotes(prompt);
  const allHits = findPhrases(letteringLexicon, prompt, tokens);
  const allArtefacts = findPhrases(artefactLexicon, prompt, tokens);
  const targets = [
    ...allHits
      .filter((hit) => hit.concept === 'lettering' || hit.concept === 'layout' || hit.concept === 'writing' || hit.concept === 'bubble')
      .map((hit) => ({ ...hit, isGeneric: hit.concept === 'lettering' })),
    ...allArtefacts.filter((hit) => hit.concept !== 'scenery').map((hit) => ({ ...hit, isGeneric: false })),
  ].sort((a, b) => a.start - b.start);
  const { refused, everything } = findRefusals(prompt, tokens, allHits, targets);
  const isInQuote = insideOf(quotes);
  const hits = allHits.filter((hit) => !refused.has(hit.start));
  const artefacts = allArtefacts.filter((hit) => !refused.has(hit.start) && !isInQuote(hit));
  const spoken = isStructured(prompt, quotes) ? hits.filter((hit) => !isKeyWord(prompt, hit)) : hits;
  const isTopic = topicTest(prompt, tokens);
  const documents = artefacts.filter((hit) => hit.concept === 'document' || (hit.concept === 'topic' && isTopic(hit)));
  const shorts = artefacts.filter((hit) => hit.concept === 'short' || (hit.concept === 'short-topic' && isTopic(hit)));
  const strings = findStrings(prompt, tokens, quotes, hits, isInQuote, documents.length > 0);
  return {
    strings,
    words: strings.reduce((sum, string) => sum + countLetteringWords(string.text), 0),
    documents,
    drawings: artefacts.filter((hit) => hit.concept === 'drawing' || hit.concept === 'topic' || hit.concept === 'short'),
    labelling: artefacts.filter((hit) => hit.concept === 'labelling'),
    shorts,
    layout: spoken.filter((hit) => hit.concept === 'layout'),
    letters: spoken.filter((hit) => hit.concept === 'lettering'),
    bubbles: hits.filter((hit) => hit.concept === 'bubble'),
    refusal: everything && prompt.slice(everything.start, everything.end),
  };
}

/** A prompt names what it is about early: within so many words, or so many characters where there are no spaces. */
const TOPIC_WORDS = 14;
const TOPIC_CHARACTERS = 40;
/** With fewer words than one per so many characters, most of the prompt is in a script without spaces. */
const CHARACTERS_PER_TOKEN = 12;

function topicTest(prompt: string, tokens: readonly Token[]): (spot: { readonly start: number }) => boolean {
  const isSpaced = tokens.length * CHARACTERS_PER_TOKEN >= prompt.length;
  const until = isSpaced ? (tokens[TOPIC_WORDS]?.start ?? prompt.length) : TOPIC_CHARACTERS;
  return (spot) => spot.start < until;
}

function findStrings(
  prompt: string,
  tokens: readonly Token[],
  quotes: readonly Quote[],
  hits: readonly Hit<LetteringConcept>[],
  isInQuote: (spot: Hit<LetteringConcept>) => boolean,
  isDocument: boolean,
): readonly Lettering[] {
  if (isStructured(prompt, quotes)) {
    return structuredLettering(prompt, quotes).map((quote) => ({ ...quote, rule: 'structured-text', because: 'its key' }));
  }
  const cues = hits.filter(
    (hit) => !isInQuote(hit) && hit.concept !== 'negator' && hit.concept !== 'negated-after' && hit.concept !== 'neutral',
  );
  const found = [...quotedLettering(prompt, quotes, cues, isDocument), ...unquotedLettering(prompt, tokens, cues, quotes)];
  return found.sort((a, b) => a.start - b.start);
}

/** `"title":` names a field, not a title to draw. */
function isKeyWord(prompt: string, hit: Hit<LetteringConcept>): boolean {
  return /^\w{0,20}"\s?:/.test(prompt.slice(hit.end, hit.end + 24));
}

/** Tells whether a hit lies inside a quote. */
function insideOf(quotes: readonly Quote[]): (spot: { readonly start: number; readonly end: number }) => boolean {
  return (spot) => {
    const quote = quotes[indexFrom(quotes, spot.start) - 1];
    return quote !== undefined && spot.end <= quote.end;
  };
}
