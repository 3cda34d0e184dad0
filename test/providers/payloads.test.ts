import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutPayloads } from '../../src/providers/payloads.ts';

/** Parses the rest and puts the payloads back, as a reader of the answer does. */
function roundTrip(json: string): unknown {
  const { text, resolve } = cutPayloads(Buffer.from(json));
  const restore = (value: unknown): unknown => {
    if (typeof value === 'string') return Buffer.from(resolve(value)).toString('utf8');
    if (Array.isArray(value)) return value.map(restore);
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, restore(inner)]));
    }
    return value;
  };
  return restore(JSON.parse(text));
}

const base64 = fc.integer({ min: 3_000, max: 9_000 }).map((length) => Buffer.alloc(length, 'picture bytes').toString('base64'));
const leaf = fc.oneof(base64, fc.string(), fc.string({ unit: 'binary' }), fc.constant('a "quoted\\" \\\\'), fc.double({ noNaN: true }));
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('tree')),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('tree'),
    ),
  ),
}));

describe('cutting payloads out of JSON', () => {
  it('loses nothing of any JSON, whatever its strings hold', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 2), (value, indent) => {
        const json = JSON.stringify(value, null, indent);
        expect(roundTrip(json)).toEqual(JSON.parse(json));
      }),
    );
  });

  it('leaves an envelope of a few hundred bytes around megabytes', () => {
    const picture = Buffer.alloc(1_500_000, 7).toString('base64');
    const { text, resolve } = cutPayloads(
      Buffer.from(JSON.stringify({ created: 1, data: [{ b64_json: picture }, { b64_json: picture }] })),
    );
    expect(text.length).toBeLessThan(200);
    const { data } = JSON.parse(text);
    expect(Buffer.from(resolve(data[1].b64_json)).toString('latin1')).toBe(picture);
  });

  it('cuts no string with an escape and no data URI: they are read as JSON reads them', () => {
    const escaped = `{"a":"${'QUJD\\/'.repeat(2_000)}","b":"data:image/png;base64,${'QUJD'.repeat(2_000)}"}`;
    const { text } = cutPayloads(Buffer.from(escaped));
    expect(text).toBe(escaped);
  });

  it('hands on what breaks off as it is, for its parser to complain about', () => {
    const broken = `{"data":[{"b64_json":"${'QUJD'.repeat(5_000)}`;
    expect(cutPayloads(Buffer.from(broken)).text).toBe(broken);
  });

  it('takes a mark that a provider wrote itself for nothing but text, or for that provider’s own bytes', () => {
    const picture = 'QUJD'.repeat(2_000);
    const { text, resolve } = cutPayloads(Buffer.from(JSON.stringify({ a: picture, b: 'image-router-payload:7' })));
    expect(resolve(JSON.parse(text).b)).toBe('image-router-payload:7');
  });
});
