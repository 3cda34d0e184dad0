// Prompts written as JSON: their quotation marks are syntax. A value is lettering when its key says so (`title`, `text`,
// `labels`), and nothing else in it is. Read by marks rather than parsed, because such prompts are often broken JSON.
import type { Quote } from './quotes.ts';

/** Key words whose values are drawn as letters. */
const LETTERING_KEYS = new Set(
  'text texts title titles headline subheadline subtitle subtitles subtext label labels caption captions tagline slogan heading headings header footer copy inscription lettering quote quotes message dialogue speech callout callouts masthead watermark signage words wording logo_text price cta button buttons content contents bullet bullets badge'.split(
    ' ',
  ),
);
/** Key words that turn such a key into talk about looks: `text_style`, `title_color`. */
const MANNER_KEYS = new Set(
  'style color colour font position size rendering placement layout effect type alignment material format image background vibe prompt concept theme description scene'.split(
    ' ',
  ),
);
/** A structured prompt has at least this many keys; below that, a colon after a quote is chance. */
const LEAST_KEYS = 4;
/** Longer values describe instead of spelling out. */
const LONGEST_VALUE_WORDS = 40;

/** Whether the prompt is written as keys and values. */
export function isStructured(prompt: string, quotes: readonly Quote[]): boolean {
  const keys = quotes.filter((quote) => isKey(prompt, quote)).length;
  return keys >= LEAST_KEYS && keys >= quotes.length / 8;
}

/** The values that their keys declare to be lettering. */
export function structuredLettering(prompt: string, quotes: readonly Quote[]): readonly Quote[] {
  const found: Quote[] = [];
  let isLettering = false;
  for (const quote of quotes) {
    if (isKey(prompt, quote)) {
      const parts = quote.text.toLowerCase().split(/[_\s-]+/);
      isLettering = parts.some((part) => LETTERING_KEYS.has(part)) && !parts.some((part) => MANNER_KEYS.has(part));
    } else if (isLettering && quote.text.split(' ').length <= LONGEST_VALUE_WORDS && !REFUSED_VALUE.test(quote.text)) {
      found.push(quote);
    }
  }
  return found;
}

const REFUSED_VALUE = /^(?:no|none|null|false|true|n\/a|without)\b/i;

function isKey(prompt: string, quote: Quote): boolean {
  if (quote.mark !== 'double') return false;
  let at = quote.end;
  while (at < quote.end + 3 && prompt.charAt(at) === ' ') at += 1;
  return prompt.charAt(at) === ':';
}
