// Names the language of a prompt when it is not English: by its script, or by its commonest small words where the script
// is Latin. Only evidence: it explains why a reading leaned on other word lists. English stays silent.
import type { Evidence } from '../domain/need.ts';
import type { Token } from './tokens.ts';

type Script = { readonly language: string; readonly low: number; readonly high: number };
/** Kana before Han: Japanese uses both, Chinese only Han. */
const SCRIPTS: readonly Script[] = [
  { language: 'Japanese', low: 0x3040, high: 0x30ff },
  { language: 'Korean', low: 0xac00, high: 0xd7bf },
  { language: 'Thai', low: 0x0e00, high: 0x0e7f },
  { language: 'Hindi', low: 0x0900, high: 0x097f },
  { language: 'Russian', low: 0x0400, high: 0x04ff },
  { language: 'Arabic', low: 0x0600, high: 0x06ff },
  { language: 'Chinese', low: 0x3400, high: 0x9fff },
];
/** Where they begin: most prompts stay below, and are passed over by one look. */
const FIRST_SCRIPT = 0x0400;
const BEYOND_LATIN = /[\u0400-\uffff]/;
/** Below this share of the letters a script is a quoted word, not the language of the prompt. */
const LEAST_SHARE = 0.15;
/** Characters are counted by pages of 32 code units: every script above begins and ends on one. */
const PAGE_BITS = 5;
const PAGES = 0x10000 >> PAGE_BITS;
const SMALL_WORDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    Spanish: 'el los las una con en del para por un y sobre que su',
    German: 'der die das ein eine mit und auf im einer einem von dem den ist',
    French: 'le les une des avec dans et sur du un est aux qui au',
    Portuguese: 'o os uma com em do da dos das um no na para e ao',
    Italian: 'il gli una con di del della un che nel sul e lo dei',
    Turkish: 've bir ile için bu olan üzerinde gibi arka',
    Vietnamese: 'và của với trên một trong các có những cho',
  }).map(([language, words]) => [language, new Set(words.split(' '))]),
);
const ENGLISH = new Set('the a an of with and in on is to at by for from'.split(' '));
/** Share of small words that settles a Latin language; English prompts reach .2 or more of their own. */
const LEAST_SMALL_WORDS = 0.12;

/** Evidence naming the language, or none when the prompt is English or says nothing. */
export function readLanguage(prompt: string, tokens: readonly Token[]): readonly Evidence[] {
  const script = scriptLanguage(prompt);
  if (script) return [{ field: 'language', rule: 'script', detail: `written in ${script} script` }];
  const language = latinLanguage(tokens);
  return language ? [{ field: 'language', rule: 'small-words', detail: `its small words are ${language}` }] : [];
}

function scriptLanguage(prompt: string): string | undefined {
  if (!BEYOND_LATIN.test(prompt)) return undefined;
  const pages = new Uint32Array(PAGES);
  let letters = 0;
  for (let at = 0; at < prompt.length; at += 1) {
    const code = prompt.charCodeAt(at);
    if (code < 0x41) continue;
    letters += 1;
    if (code < FIRST_SCRIPT) continue;
    const page = code >> PAGE_BITS;
    pages[page] = (pages[page] ?? 0) + 1;
  }
  return SCRIPTS.find((script) => countPages(pages, script) > letters * LEAST_SHARE)?.language;
}

function countPages(pages: Uint32Array, script: Script): number {
  let sum = 0;
  for (let page = script.low >> PAGE_BITS; page <= script.high >> PAGE_BITS; page += 1) sum += pages[page] ?? 0;
  return sum;
}

function latinLanguage(tokens: readonly Token[]): string | undefined {
  let best: string | undefined;
  let most = 0;
  for (const [language, words] of SMALL_WORDS) {
    const count = countIn(words, tokens);
    if (count <= most) continue;
    most = count;
    best = language;
  }
  return most / Math.max(1, tokens.length) >= LEAST_SMALL_WORDS && most > countIn(ENGLISH, tokens) ? best : undefined;
}

function countIn(words: ReadonlySet<string>, tokens: readonly Token[]): number {
  let count = 0;
  for (const { word } of tokens) if (words.has(word)) count += 1;
  return count;
}
