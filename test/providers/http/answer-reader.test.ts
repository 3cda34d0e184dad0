import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerHead } from '../../../src/providers/http/answer-head.ts';
import { AnswerReader } from '../../../src/providers/http/answer-reader.ts';

type Heard = { readonly reader: AnswerReader; readonly heads: AnswerHead[]; readonly body: () => string; readonly ends: () => number };

/** `space`: whether the body offers memory of its own, as one that is collected does. */
function listen({ method = 'POST', space = false } = {}): Heard {
  const heads: AnswerHead[] = [];
  const chunks: Buffer[] = [];
  let ends = 0;
  let offered: Buffer | undefined;
  const reader = new AnswerReader(method, (head) => {
    heads.push(head);
    return {
      space: () => {
        offered = space ? Buffer.alloc(7) : undefined;
        return offered;
      },
      filled: (bytes) => void chunks.push(Buffer.from(offered?.subarray(0, bytes) ?? [])),
      push: (chunk) => void chunks.push(Buffer.from(chunk)),
      end: () => {
        ends += 1;
      },
    };
  });
  return { reader, heads, body: () => Buffer.concat(chunks).toString('latin1'), ends: () => ends };
}

/** Hands the text over in pieces of these lengths, as a socket would. */
function feed({ reader }: Heard, text: string, lengths: readonly number[] = []): void {
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  for (let turn = 0; at < bytes.length && !reader.isDone; turn += 1) {
    const length = Math.min(bytes.length - at, lengths[turn % lengths.length] ?? bytes.length);
    const space = reader.space();
    const part = bytes.subarray(at, at + Math.min(length, space?.length ?? length));
    if (space === undefined) reader.read(part);
    else {
      part.copy(space);
      reader.filled(part.length);
    }
    at += part.length;
  }
}

const ANSWERS = {
  'of announced length': ['HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"a":"b\r\n"}', '{"a":"b\r\n"}'],
  'in chunks': [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\nA;why="no"\r\n"12345678\r\r\n002 \r\n"}\r\n0\r\nx-more: 1\r\n\r\n',
    '{"a":"12345678\r"}',
  ],
  'after an early hint': [
    'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}',
    '{}',
  ],
  'without a body': ['HTTP/1.1 204 No Content\r\nx: y\r\n\r\n', ''],
} as const;

describe('an answer', () => {
  it.each(Object.entries(ANSWERS))('%s is read alike in whatever pieces it comes', (_, [text, body]) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), fc.boolean(), (lengths, space) => {
        const heard = listen({ space });
        feed(heard, text, lengths);
        expect([heard.heads.length, heard.body(), heard.ends()]).toEqual([1, body, 1]);
        expect(heard.reader.reusableMs).toBe(4_000);
      }),
    );
  });

  it('without a length ends with its connection, which is of no more use', () => {
    const heard = listen();
    feed(heard, 'HTTP/1.1 200 OK\r\n\r\nabc');
    expect([heard.reader.isDone, heard.reader.close(), heard.body(), heard.ends()]).toEqual([false, true, 'abc', 1]);
    expect(heard.reader.reusableMs).toBe(0);
  });

  it.each([
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n',
  ])('that is cut short never ends: %j', (text) => {
    const heard = listen();
    feed(heard, text);
    expect([heard.reader.close(), heard.ends()]).toEqual([false, 0]);
  });

  it('to HEAD has no body, whatever length it names', () => {
    const heard = listen({ method: 'HEAD' });
    feed(heard, 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
    expect(heard.reader.isDone).toBe(true);
  });

  it('keeps every line of a header, in its order', () => {
    const heard = listen();
    feed(heard, 'HTTP/1.1 200\r\nX-A: 1\r\nx-b:\t2 \r\nx-a: 3\r\ncontent-length: 0\r\n\r\n');
    expect(heard.heads[0]?.headers.slice(0, 3)).toEqual([
      ['x-a', '1'],
      ['x-b', '2'],
      ['x-a', '3'],
    ]);
  });

  it.each([
    ['connection: close\r\n', 0],
    ['Connection: Upgrade, Close\r\n', 0],
    ['keep-alive: timeout=5\r\n', 3_000],
    ['keep-alive: timeout=1, max=10\r\n', 0],
    ['keep-alive: timeout=999999\r\n', 600_000],
    ['', 4_000],
  ])('with %j leaves its connection usable for the right time', (line, ms) => {
    const heard = listen();
    feed(heard, `HTTP/1.1 200 OK\r\n${line}content-length: 0\r\n\r\n`);
    expect(heard.reader.reusableMs).toBe(ms);
  });

  it('of HTTP/1.0 leaves a usable connection only where the server says so', () => {
    for (const [line, ms] of [['', 0] as const, ['connection: keep-alive\r\n', 4_000] as const]) {
      const heard = listen();
      feed(heard, `HTTP/1.0 200 OK\r\n${line}content-length: 0\r\n\r\n`);
      expect(heard.reader.reusableMs).toBe(ms);
    }
  });

  it('that is followed by more than was asked for leaves no usable connection', () => {
    const heard = listen();
    feed(heard, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n');
    expect([heard.body(), heard.reader.reusableMs]).toEqual(['{}', 0]);
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: 0x10\r\n\r\n'],
    ['a length beside chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a foreign transfer encoding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n'],
    ['a bare line feed', 'HTTP/1.1 200 OK\r\nx: a\ny: b\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nx : a\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`],
    ['a chunk without size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a chunk of too many digits', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n123456789\r\n'],
    ['a chunk longer than it said', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n'],
    ['a chunk line without carriage return', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\na\r\n'],
    ['trailers without end', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${'x: y\r\n'.repeat(10_000)}`],
  ])('with %s is refused', (_, text) => {
    expect(() => feed(listen(), text, [1_000])).toThrow(expect.objectContaining({ code: 'ERR_NOT_HTTP' }));
  });

  it('of random bytes is refused or waited for, and never hangs', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii', maxLength: 300 }),
        fc.constantFrom('', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
        (tail, start) => {
          const heard = listen();
          try {
            feed(heard, start + tail, [3, 50]);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_NOT_HTTP' });
          }
          expect(heard.ends()).toBe(heard.reader.isDone ? 1 : 0);
        },
      ),
    );
  });
});
