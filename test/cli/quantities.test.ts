import { describe, expect, it } from 'vitest';
import { slugOf } from '../../src/cli/output-files.ts';
import { readDollars, readDurationMs } from '../../src/cli/quantities.ts';
import { renderTable } from '../../src/cli/table.ts';

describe('quantities', () => {
  it.each([
    ['8s', 8_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['2 min', 120_000],
    ['1h', 3_600_000],
    ['1.5s', 1_500],
    ['8000', 8_000],
  ])('%s is %i milliseconds', (text, value) => {
    expect(readDurationMs('latencyBudgetMs', text)).toEqual({ kind: 'value', value });
  });

  it.each(['', 's', '8 parsecs', 'NaN', 'Infinity', '8s9', '1e3s'])('"%s" is no duration', (text) => {
    expect(readDurationMs('latencyBudgetMs', text).kind).toBe('problem');
  });

  it.each([
    ['0.10', 0.1],
    ['$0.10', 0.1],
    ['.5', 0.5],
  ])('%s is an amount', (text, value) => {
    expect(readDollars('maxCostUsd', text)).toEqual({ kind: 'value', value });
  });
});

describe('tables', () => {
  it('keep their columns, wide letters and colour included', () => {
    const lines = renderTable(
      [{ title: 'a' }, { title: 'n', align: 'right' }, { title: 'c' }],
      [
        ['狐', '1', 'x'],
        ['\u001b[31mfox\u001b[39m', '22', 'y'],
      ],
      80,
    ).split('\n');
    expect(lines).toEqual(['a     n  c', '狐    1  x', '\u001b[31mfox\u001b[39m  22  y']);
  });

  it('wrap the last column under itself', () => {
    const lines = renderTable([{ title: 'a' }, { title: 'b' }], [['x', 'one two three four five six seven']], 27).split('\n');
    expect(lines.slice(1)).toEqual(['x  one two three four five', '   six seven']);
  });
});

describe('file names', () => {
  it.each([
    ['A red fox!', 'a-red-fox'],
    ['../../etc/passwd', 'etc-passwd'],
    ['!!!', 'image'],
    ['雪の中の赤い狐', '雪の中の赤い狐'],
    ['word '.repeat(50), 'word-word-word-word-word-word-word-word-word'],
  ])('%s becomes %s', (prompt, slug) => {
    expect(slugOf(prompt)).toBe(slug);
  });
});
