import { describe, expect, it } from 'vitest';
import { giveBackMemory, takeMemory } from '../../src/providers/picture-memory.ts';

const MB = 1024 * 1024;

describe('picture memory', () => {
  it('that was given back is used again, at the length asked for', () => {
    const first = takeMemory(2 * MB);
    giveBackMemory(first.subarray(100, 200));
    const second = takeMemory(2 * MB - 5);
    expect(second.buffer).toBe(first.buffer);
    expect(second.length).toBe(2 * MB - 5);
    giveBackMemory(second);
  });

  it('is never lent twice at a time, however often it is given back', () => {
    const memory = takeMemory(3 * MB);
    giveBackMemory(memory);
    giveBackMemory(memory);
    const taken = [takeMemory(3 * MB), takeMemory(3 * MB)];
    expect(taken[0]?.buffer).not.toBe(taken[1]?.buffer);
    for (const part of taken) giveBackMemory(part);
  });

  it('takes back only its own', () => {
    const foreign = Buffer.alloc(5 * MB);
    giveBackMemory(foreign);
    expect(takeMemory(5 * MB).buffer).not.toBe(foreign.buffer);
  });

  it('does not spend a large block on a small answer', () => {
    const large = takeMemory(30 * MB);
    giveBackMemory(large);
    expect(takeMemory(MB).buffer).not.toBe(large.buffer);
    expect(takeMemory(20 * MB).buffer).toBe(large.buffer);
  });

  it('keeps a bounded number of bytes', () => {
    const blocks = Array.from({ length: 30 }, () => takeMemory(4 * MB));
    for (const block of blocks) giveBackMemory(block);
    const again = new Set(Array.from({ length: 30 }, () => takeMemory(4 * MB).buffer));
    const kept = blocks.filter((block) => again.has(block.buffer)).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept * 4 * MB).toBeLessThanOrEqual(40 * MB);
  });
});
