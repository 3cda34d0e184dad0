// Where a text stops being JSON. The parser's own message sometimes has no position and always quotes the text around it,
// which is the caller's prompt; this scanner says only where. It is asked after JSON.parse has refused, reads once from
// left to right, and keeps a stack of its own, so that a megabyte of brackets costs a megabyte.

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const FIRST_PRINTABLE = ' ';

type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'separator';

/** Offset of the first character that cannot be part of JSON; the text's length when it ends too soon. */
export function jsonErrorAt(text: string): number {
  return new Scanner(text).run();
}

/** `line 3 column 14 (position 52)`, counted as editors do. */
export function positionText(text: string, at: number): string {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return `line ${line} column ${at - before.lastIndexOf('\n')} (position ${at})`;
}

class Scanner {
  readonly #text: string;
  readonly #open: ('{' | '[')[] = [];
  #at = 0;
  #expected: Expected = 'value';

  constructor(text: string) {
    this.#text = text;
  }

  run(): number {
    for (;;) {
      this.#take(SPACE);
      const isComplete = this.#expected === 'separator' && this.#open.length === 0;
      if (this.#at >= this.#text.length || isComplete || !this.#step()) return this.#at;
    }
  }

  #step(): boolean {
    switch (this.#expected) {
      case 'value':
        return this.#value();
      case 'value-or-end':
        return this.#end() || this.#value();
      case 'key':
        return this.#key();
      case 'key-or-end':
        return this.#end() || this.#key();
      case 'colon':
        return this.#mark(':', 'value');
      case 'separator':
        return this.#mark(',', this.#open.at(-1) === '{' ? 'key' : 'value') || this.#end();
    }
  }

  #value(): boolean {
    const mark = this.#text[this.#at];
    if (mark === '{' || mark === '[') {
      this.#open.push(mark);
      return this.#mark(mark, mark === '{' ? 'key-or-end' : 'value-or-end');
    }
    this.#expected = 'separator';
    return mark === '"' ? this.#string() : this.#take(NUMBER) || this.#take(WORD);
  }

  #key(): boolean {
    this.#expected = 'colon';
    return this.#text[this.#at] === '"' && this.#string();
  }

  #end(): boolean {
    const bracket = this.#open.at(-1) === '{' ? '}' : ']';
    if (!this.#mark(bracket, 'separator')) return false;
    this.#open.pop();
    return true;
  }

  /** Stops at the character that is wrong, which a pattern for the whole string would not tell. */
  #string(): boolean {
    this.#at += 1;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character < FIRST_PRINTABLE) return false;
      if (character === '\\') {
        if (!this.#take(ESCAPE)) return false;
      } else {
        this.#at += 1;
        if (character === '"') return true;
      }
    }
  }

  #mark(character: string, next: Expected): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    this.#expected = next;
    return true;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }
}
