// Weighs what the prompt says about lettering and decides none, some or exact, with the words that led there. Refusals
// first, then the strings to draw, then the kind of picture: an infographic is exact without a single quotation mark,
// and a quoted film title is nothing.
import type { Evidence } from '../domain/need.ts';
import type { TextAccuracy } from '../domain/vocabulary.ts';
import { type Findings, gather } from './findings.ts';
import type { Lettering } from './lettering.ts';
import type { Token } from './tokens.ts';

/** From five words on, models slip: the labelled prompts draw the line between `some` and `exact` here. */
const EXACT_FROM_WORDS = 5;
/** One of these is enough to ask for letters; `font` or `script` alone may be talk about looks. */
const PLAIN_LETTERING = new Set(['text', 'texts', 'lettering', 'inscription', 'inscriptions', 'calligraphy', 'typography']);
/** A poster with this much given text carries more around it; a logo or a book cover of as many words does not. */
const POSTER_WORDS = 2.9;
const POSTERS =
  /poster|advert|campaign|thumbnail|flyer|海报|海報|广告|廣告|ポスター|포스터|โปสเตอร์|affiche|plakat|cartaz|afiş|cartel|locandina|póster/;
/** Parts of a page (title, caption, labels) that make a layout of a picture whose words are not given. */
const LAYOUT_FROM_PARTS = 2;

export type TextReading = {
  readonly textAccuracy: TextAccuracy;
  readonly evidence: readonly Evidence[];
  /** The strings to draw, in order of place. */
  readonly strings: readonly Lettering[];
};
type Conclusion = Omit<TextReading, 'strings'>;

export function readTextAccuracy(prompt: string, tokens: readonly Token[]): TextReading {
  const findings = gather(prompt, tokens);
  return { ...judge(findings), strings: findings.strings };
}

function judge(findings: Findings): Conclusion {
  return exactly(findings) ?? partly(findings) ?? nothing(findings);
}

function exactly(findings: Findings): Conclusion | undefined {
  const { strings, words, documents, labelling, drawings, layout, letters, bubbles, refusal } = findings;
  const first = strings[0];
  if (first && words >= EXACT_FROM_WORDS) {
    return conclude('exact', first.rule, `${describe(words)} of lettering, found by ${first.because}`, first.text);
  }
  if (refusal !== undefined) return undefined;
  const document = documents[0];
  if (document) return conclude('exact', 'document', `“${document.phrase}”: a picture made of text`, document.phrase);
  const order = labelling[0];
  if (order) return conclude('exact', 'labelling', 'things in the picture are to be labelled', order.phrase);
  const bubble = bubbles[0];
  if (bubble && words === 0) return conclude('exact', 'speech-bubble', 'speech bubbles hold sentences', bubble.phrase);
  const poster = posterText(findings);
  if (poster) return poster;
  const drawing = drawings[0];
  const parts = new Set(layout.map((hit) => hit.phrase));
  if (parts.size + (letters.length > 0 ? 1 : 0) > LAYOUT_FROM_PARTS - (drawing ? 1 : 0) && parts.size > 0 && words === 0) {
    return conclude('exact', 'page-layout', `parts of a page are asked for: ${[...parts].slice(0, 4).join(', ')}`, layout[0]?.phrase);
  }
  return undefined;
}

/** A poster whose text is given in part: enough words of it, or a title beside further parts of the page. */
function posterText({ drawings, words, layout }: Findings): Conclusion | undefined {
  const poster = drawings.find((hit) => POSTERS.test(hit.phrase));
  const hasParts = new Set(layout.map((hit) => hit.phrase)).size >= LAYOUT_FROM_PARTS;
  if (!poster || words === 0 || (words < POSTER_WORDS && !hasParts)) return undefined;
  return conclude('exact', 'poster-text', `“${poster.phrase}”: a page, with ${describe(words)} of its text given`, poster.phrase);
}

function partly(findings: Findings): Conclusion | undefined {
  const { strings, words, shorts, layout, letters, refusal } = findings;
  const first = strings[0];
  if (first) return conclude('some', first.rule, `${describe(words)} of lettering, found by ${first.because}`, first.text);
  if (refusal !== undefined) return undefined;
  const short = shorts[0];
  if (short)
    return conclude('some', 'short-artefact', `“${short.phrase}”: carries a name or a title, its words are not given`, short.phrase);
  const noun = layout[0] ?? (letters.length > 1 ? letters[0] : letters.find((hit) => PLAIN_LETTERING.has(hit.phrase)));
  return noun && conclude('some', 'lettering-noun', `“${noun.phrase}”: letters, their words are not given`, noun.phrase);
}

function nothing(findings: Findings): Conclusion {
  return findings.refusal === undefined
    ? conclude('none', 'no-lettering', 'nothing to be read is asked for', undefined)
    : conclude('none', 'refused-text', 'the prompt refuses lettering', findings.refusal);
}

/** Evidence quotes at most this many characters of the prompt. */
const LONGEST_EVIDENCE = 80;

function conclude(textAccuracy: TextAccuracy, rule: string, detail: string, quote: string | undefined): Conclusion {
  const shortened = quote?.slice(0, LONGEST_EVIDENCE);
  return { textAccuracy, evidence: [{ field: 'textAccuracy', rule, detail, ...(shortened === undefined ? {} : { quote: shortened }) }] };
}

function describe(words: number): string {
  const rounded = Math.max(1, Math.round(words));
  return rounded === 1 ? '1 word' : `${rounded} words`;
}
