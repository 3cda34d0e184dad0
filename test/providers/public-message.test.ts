import { describe, expect, it } from 'vitest';
import { publicMessage } from '../../src/providers/public-message.ts';

const PROMPT = 'a portrait of Ada Lovelace\nholding a lantern, very detailed';
const said = (text: string, prompt = PROMPT): string => publicMessage(text, { apiKey: 'secret-key-of-mine', prompt });

describe('a provider’s message', () => {
  it.each([
    ['Incorrect API key provided: sk-ab***yz.', 'Incorrect API key provided: [key]'],
    ['key AIzaSyA-1234_5678 leaked', 'key [key] leaked'],
    ['header was Bearer abc.def', 'header was [key]'],
    ['we know secret-key-of-mine', 'we know [key]'],
  ])('never holds a key: %s', (text, expected) => {
    expect(said(text)).toBe(expected);
  });

  it('never holds the prompt, whole, in part or with other white space', () => {
    expect(said(`The prompt "${PROMPT}" was refused`)).toBe('The prompt "[prompt]" was refused');
    expect(said('Refused near: Ada Lovelace holding a lantern!')).toBe('Refused near: [prompt]!');
    expect(said('Refused: red cat', 'red cat')).toBe('Refused: [prompt]');
  });

  it('keeps its words when the prompt is only a word or two', () => {
    expect(said('a cat has nine lives', 'a')).toBe('a cat has nine lives');
  });

  it('is one short line of text, even when it came as a page or as bytes', () => {
    expect(said('<html><head><style>b{}</style><title>502 Bad Gateway</title></head><body>\n<h1>nginx</h1></body></html>')).toBe(
      '502 Bad Gateway nginx',
    );
    expect(said(`picture ${'iVBOR'.repeat(200)} end`)).toBe('picture [bytes] end');
    expect(said('word '.repeat(200))).toHaveLength(300);
  });
});
