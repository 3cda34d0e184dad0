// What counts as a quotation, whatever marks people type, and what only looks like one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findQuotes } from '../../src/classify/quotes.ts';

const texts = (prompt: string): readonly string[] => findQuotes(prompt).map((quote) => quote.text);

describe('quotation marks', () => {
  it.each([
    ['double', 'a sign with "fresh bread" on it', 'fresh bread'],
    ['single', "a sign with 'fresh bread' on it", 'fresh bread'],
    ['curly double', 'a sign with “fresh bread” on it', 'fresh bread'],
    ['curly single', 'a sign with ‘fresh bread’ on it', 'fresh bread'],
    ['guillemets', 'un panneau « pain frais » en bois', 'pain frais'],
    ['German low', 'ein Schild „frisches Brot“ aus Holz', 'frisches Brot'],
    ['reversed guillemets', 'ein Schild »frisches Brot« aus Holz', 'frisches Brot'],
    ['single guillemets', 'ein Schild ‹Brot› aus Holz', 'Brot'],
    ['corner', '「焼きたて」と書かれた看板', '焼きたて'],
    ['white corner', '『焼きたて』と書かれた看板', '焼きたて'],
    ['title', '海报标题为《春天》', '春天'],
    ['small title', '海报标题为〈春天〉', '春天'],
    ['Chinese', '招牌上写着“面包店”三个字', '面包店'],
    ['code', 'a terminal showing `hello` in green', 'hello'],
    ['leading', '"fresh bread" in chalk on a slate', 'fresh bread'],
    ['trailing', "a slate saying 'fresh bread'", 'fresh bread'],
  ])('%s marks are read', (_, prompt, expected) => {
    expect(texts(prompt)).toEqual([expected]);
  });

  it.each([
    ['apostrophes', "it's a dog that doesn't bark, isn't it"],
    ['possessives', "the baker's dog beside the butchers' cart"],
    ['decades', "a street in the '60s and '70s style, it's rainy"],
    ['inches', 'a 24" x 36" canvas of a lake'],
    ['an unclosed mark', 'a sign "fresh bread on a wall'],
    ['the prompt itself pasted with its marks', '"a wide plain under a clear sky with one old tree"'],
    ['empty marks', 'a sign with "" on it'],
  ])('%s are no quotes', (_, prompt) => {
    expect(texts(prompt)).toEqual([]);
  });

  it('an apostrophe inside single marks does not close them', () => {
    expect(texts("a note saying 'don't forget the baker's bread' on a door")).toEqual(["don't forget the baker's bread"]);
  });

  it('several strings are found in order', () => {
    expect(texts('"one", “two” and \'three\' on boxes')).toEqual(['one', 'two', 'three']);
  });

  it('quotes never overlap and always repeat the prompt', () => {
    const marks = fc.string({
      unit: fc.constantFrom('"', "'", '“', '”', '„', '«', '»', '「', '」', '《', '》', ' ', 'a', 'b', '字', '\n', '`'),
      maxLength: 60,
    });
    fc.assert(
      fc.property(marks, (prompt) => {
        let end = 0;
        for (const quote of findQuotes(prompt)) {
          expect(quote.start).toBeGreaterThanOrEqual(end);
          expect(prompt.slice(quote.start + 1, quote.end - 1).trim()).toBe(quote.text);
          end = quote.end;
        }
      }),
    );
  });
});
