import { describe, expect, it } from 'vitest';
import { KeyedTurns } from '../../src/system/keyed-turns.ts';

describe('turns by name', () => {
  it('come one after another under one name, however the one before ended, and side by side under two', async () => {
    const turns = new KeyedTurns();
    const log: string[] = [];
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const take = (name: string, what: string) => {
      const gate = Promise.withResolvers<void>();
      gates.set(what, gate);
      return turns.take(name, async () => {
        log.push(`begins ${what}`);
        await gate.promise.finally(() => log.push(`ends ${what}`));
        return what;
      });
    };
    const first = take('a', 'one');
    const second = take('a', 'two');
    const other = take('b', 'other');
    expect(log).toEqual(['begins one', 'begins other']);
    gates.get('one')?.reject(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    gates.get('two')?.resolve();
    gates.get('other')?.resolve();
    expect(await Promise.all([second, other])).toEqual(['two', 'other']);
    expect(log.indexOf('ends one')).toBeLessThan(log.indexOf('begins two'));
  });
});
