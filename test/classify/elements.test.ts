// Counting what is pictured: things once each, not words, not looks, not limbs.
import { describe, expect, it } from 'vitest';
import { readPrompt } from '../../src/classify/read-prompt.ts';

const elements = (prompt: string): number => readPrompt(prompt).elements;

describe('elements', () => {
  it.each([
    ['one thing', 'a red apple', 1],
    ['two things', 'a red apple and a wooden bowl', 2],
    ['a thing named twice', 'a dog by a door. The dog is brown. The door is open.', 2],
    ['looks and qualities', 'a red apple, highly detailed, cinematic lighting, 8k', 1],
    ['limbs belong to their owner', 'a woman with long hair and green eyes, hands on her hips', 1],
    ['clothes belong to their wearer', 'a man wearing a blue coat and a hat beside a horse', 2],
    ['artists are not pictured', 'a lighthouse, by ansel vermeulen', 1],
    ['what lettering says is not pictured', 'a sign that says "bread milk eggs butter"', 1],
    ['no prompt', '', 0],
  ])('%s', (_, prompt, expected) => {
    expect(elements(prompt)).toBe(expected);
  });

  it('longer talk about looks adds nothing', () => {
    const plain = 'a fox in the snow';
    expect(elements(`${plain}, extremely detailed, cinematic, photorealistic, sharp focus`)).toBe(elements(plain));
  });

  it('scripts without spaces are counted too', () => {
    expect(elements('窗台上的白猫和蓝色花瓶')).toBeGreaterThanOrEqual(2);
    expect(readPrompt('窗台上的白猫和蓝色花瓶').words).toBeGreaterThan(4);
  });
});

describe('complexity', () => {
  it.each([
    ['a red apple', 'simple'],
    ['a baker and a dog in a small shop with bread on the shelves', 'normal'],
    ['rainy cyberpunk city, neon, six characters', 'complex'],
  ])('%s is %s', (prompt, expected) => {
    expect(readPrompt(prompt).complexity).toBe(expected);
  });

  it('exact lettering makes no picture simple', () => {
    expect(readPrompt('a sign that reads "please keep off the grass"').complexity).toBe('normal');
  });
});
