// The words behind which lettering may stand without quotation marks, and those that show that it does not. Data only.
import { phrases } from '../lexicon.ts';

const set = (...paragraphs: readonly string[]): ReadonlySet<string> => new Set(phrases(...paragraphs));

/** Words that announce letters strongly enough to do without marks. */
export const ANNOUNCING = set(
  'that reads, which reads, reads, reading, that says, which says, saying, that say, says, spelling, spelling out, spells, spells out, written, labeled, labelled, titled, entitled',
  'the word, the words, with the words, with the word, word, words, the phrase, the text, with the text, text, the letter, the letters, letter, letters, the number, the numbers, number, the initials, the name, title, caption, headline',
);

/** Those after which even a small word is lettering. */
export const UNMISTAKABLE = set(
  'that reads, which reads, that says, which says, that say, saying, spelling, spells, reads, the word, the words, with the word, with the words',
);

/** Before one character these need no capital: the letter g. */
export const SINGLE = set('letter, letters, the letter, the letters');

/** Things whose own words may follow in capitals: the sign CAFE ROYAL. */
export const CARRYING = set('sign, signs, neon sign, billboard, banner, headline, title, cta, text, titolo, título, titre');

/** Small words that go on with the sentence instead. */
export const NO_LETTERING = set(
  'a, an, the, his, her, their, its, my, our, your, this, that, which, it, all, some, each, every, clearly, is, are, was, were',
  'in, on, at, by, with, to, from, of, and, or, for, as, under, over, against, behind, near, while, beneath, above, through, into, about, upon, across',
);

/** Words that end a string: "a sign that says hello ON a wall". */
export const ENDS_STRING = set(
  'on, in, with, at, under, above, below, behind, near, while, beside, over, next, and, against, from, into, along',
  'painted, written, by, made, using, surrounded, standing, holding, sitting',
);
