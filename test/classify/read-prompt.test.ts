// The laws of reading: what asks for lettering and how exactly, what does not, and that nothing makes the reader fail.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPrompt } from '../../src/classify/read-prompt.ts';
import { textRank } from '../../src/domain/vocabulary.ts';

const accuracy = (prompt: string): string => readPrompt(prompt).textAccuracy;

/** Scenes without a word of lettering in them. */
const plainScene = fc.constantFrom(
  'a heron standing in a misty marsh',
  'two lighthouses on a cliff under heavy clouds',
  'an old sailor mending a net by lamplight',
  'a bowl of plums on a windowsill, oil painting',
  'three foxes playing in the snow',
);

describe('nothing to be read is asked for', () => {
  it.each([
    ['a book is not lettering', 'a girl reading a thick book under an oak'],
    ['a newspaper is not lettering', 'an old man with a newspaper on a park bench'],
    ['a clock is not lettering', 'a large clock on the station wall'],
    ['a flag is not lettering', 'a red flag flying from a castle'],
    ['neon streets are not lettering', 'a rainy street at night full of neon signs'],
    ['a poster style is not a poster', 'a wolf on a ridge, poster art style'],
    ['a game screenshot is not a page', 'a knight before a dragon, game screenshot'],
    ['a refused text is none', 'a quiet harbour at dawn, no text'],
    ['a refused list is none', 'a perfume bottle on marble, no text, logos or watermarks'],
    ['a named style is not lettering', 'a harbour in the style of "The Quiet Masters"'],
    ['a spoken line is not drawn', "The old king says: 'bring me the silver cup', and a page runs"],
    ['a coined word is not lettering', 'a portrait with "honey glow" skin and soft light'],
  ])('%s', (_, prompt) => {
    expect(accuracy(prompt)).toBe('none');
  });

  it.each([
    ['zh', '一只猫坐在窗台上，无文字'],
    ['ja', '窓辺に座る猫、文字なし'],
    ['ko', '창가에 앉은 고양이, 글자 없음'],
    ['es', 'un gato en la ventana, sin texto ni logotipos'],
    ['de', 'eine Katze am Fenster, ohne Text'],
    ['fr', 'un chat à la fenêtre, sans texte'],
    ['pt', 'um gato na janela, sem texto'],
    ['it', 'un gatto alla finestra, senza testo'],
    ['ru', 'кот на окне, без текста'],
    ['tr', 'pencerede bir kedi, metin yok'],
    ['vi', 'con mèo bên cửa sổ, không có chữ'],
    ['th', 'แมวนั่งริมหน้าต่าง ไม่มีข้อความ'],
  ])('a refusal counts in %s', (_, prompt) => {
    expect(accuracy(prompt)).toBe('none');
  });
});

describe('a few words', () => {
  it.each([
    ['a quoted word on a sign', 'a wooden sign that says "Bakery"'],
    ['a word without marks', 'a dog in a shirt that says WOOF'],
    ['a letter', 'a cup with the letter K'],
    ['a number', 'a runner with the number 42 on his vest'],
    ['quotes before the verb', '"Good Night" written in chalk on a slate'],
    ['a carrier behind the quote', 'a black van with a "Molto" logo'],
    ['a logo without words', 'logo for a small coffee roastery, flat, minimal'],
    ['a poster without words', 'retro poster of a mountain railway'],
    ['a cover without words', 'a book cover for a sea adventure'],
    ['a stop sign', 'a red stop sign beside a tree'],
    ['further text refused', 'a shop front with a sign reading "Nora", no other text'],
    ['zh', '街角的招牌上写着“面包房”'],
    ['ja', '「焼きたて」と書かれた看板'],
    ['ko', '"빵집"이라고 적힌 간판'],
    ['es', 'un cartel que dice "Pan fresco"'],
    ['de', 'ein Schild mit der Aufschrift „Frisches Brot“'],
    ['fr', 'un panneau avec le texte « Pain frais »'],
    ['pt', 'uma placa escrito "Pão fresco"'],
    ['ru', 'вывеска с надписью «Свежий хлеб»'],
  ])('%s is some', (_, prompt) => {
    expect(accuracy(prompt)).toBe('some');
  });
});

describe('letter for letter', () => {
  it.each([
    ['five words', 'a chalkboard that reads "fresh bread every day at seven"'],
    ['several strings', 'a shelf with boxes labelled "Tea and Sugar", "Salt", "Flour" and "Rice"'],
    ['a sentence in Chinese', '石碑上刻着“海内存知己天涯若比邻”'],
    ['an infographic', 'infographic about how bees make honey'],
    ['a labelled diagram', 'a labeled diagram of a bicycle'],
    ['an order to label', 'Draw a leaf and label the veins and the stem'],
    ['a slide', 'a slide on quarterly rainfall, clean layout'],
    ['a menu', 'restaurant menu for a seaside tavern'],
    ['a flyer', 'flyer for a village dance'],
    ['an invitation', 'wedding invitation with pressed flowers'],
    ['an app screen', 'app interface for tracking garden plants'],
    ['a comic with speech', 'two mice talking, speech bubbles above them, comic'],
    ['a laid-out poster', 'movie poster with title, tagline and credits at the bottom'],
    ['a poster with a given title and more', 'poster for a jazz night with the headline "Blue Hour", date and venue'],
    ['a Chinese page', '设计一个天气应用的界面'],
    ['a German infographic', 'Infografik über den Wasserkreislauf'],
    ['fields of a structured prompt', '{"type": "card", "size": "a5", "title": "The long way home to you", "mood": "calm"}'],
  ])('%s is exact', (_, prompt) => {
    expect(accuracy(prompt)).toBe('exact');
  });
});

describe('laws', () => {
  it('reads any string without failing, the same way every time', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 }).map((codes) => String.fromCharCode(...codes)),
    );
    fc.assert(
      fc.property(anything, (prompt) => {
        const reading = readPrompt(prompt);
        expect(readPrompt(prompt)).toEqual(reading);
        expect(reading.elements).toBeGreaterThanOrEqual(0);
        expect(reading.evidence.some((item) => item.field === 'textAccuracy')).toBe(true);
        expect(reading.evidence.some((item) => item.field === 'complexity')).toBe(true);
      }),
    );
  });

  it.each([
    '\ud800',
    'a sign that says "\udc00\ud800"',
    '"'.repeat(32_000),
    "'a ".repeat(10_000),
    '「'.repeat(32_000),
    'no text, '.repeat(3_500),
    '',
  ])('hostile prompt %# is read', (prompt) => {
    expect(() => readPrompt(prompt)).not.toThrow();
  });

  it('a long quoted sign makes any prompt exact, even one that refuses text', () => {
    const start = fc.oneof(plainScene, fc.lorem({ maxCount: 12 }), fc.constantFrom('logo of a heron', 'a quiet bay, no text', 'cafe menu'));
    fc.assert(
      fc.property(start, (prompt) => {
        expect(accuracy(`${prompt}. A sign reads "please keep off the grass until noon"`)).toBe('exact');
      }),
    );
  });

  it('more quoted words never lower the need', () => {
    const word = fc.constantFrom('lemon', 'harbour', 'Monday', 'tea', 'north');
    fc.assert(
      fc.property(plainScene, fc.array(word, { minLength: 1, maxLength: 10 }), word, (scene, words, extra) => {
        const sign = (list: readonly string[]): string => `${scene}. A sign reads "${list.join(' ')}"`;
        const shorter = readPrompt(sign(words)).textAccuracy;
        const longer = readPrompt(sign([...words, extra])).textAccuracy;
        expect(textRank(longer)).toBeGreaterThanOrEqual(textRank(shorter));
      }),
    );
  });

  it('refusing text in a scene without text changes nothing', () => {
    fc.assert(
      fc.property(plainScene, fc.constantFrom('no text', 'without any text', 'no words, no letters', 'text-free'), (scene, refusal) => {
        expect(accuracy(scene)).toBe('none');
        expect(accuracy(`${scene}, ${refusal}`)).toBe('none');
      }),
    );
  });

  it('the evidence repeats words that are in the prompt', () => {
    fc.assert(
      fc.property(plainScene, (scene) => {
        const prompt = `${scene}. A board says "closed for lunch"`;
        const evidence = readPrompt(prompt).evidence.find((item) => item.field === 'textAccuracy');
        expect(evidence).toMatchObject({ rule: 'quoted-text', quote: 'closed for lunch' });
      }),
    );
  });

  it.each([
    ['Japanese', '窓辺に座る白い猫と青い花瓶'],
    ['Chinese', '窗台上的白猫和蓝色花瓶'],
    ['Korean', '창가에 앉은 하얀 고양이'],
    ['Thai', 'แมวขาวนั่งริมหน้าต่าง'],
    ['Russian', 'белая кошка у окна'],
    ['Hindi', 'खिड़की पर बैठी सफेद बिल्ली'],
    ['German', 'eine weiße Katze auf dem Fensterbrett mit einer blauen Vase'],
    ['French', 'un chat blanc sur le rebord de la fenêtre avec une fleur'],
  ])('%s is named as the language', (language, prompt) => {
    const evidence = readPrompt(prompt).evidence.find((item) => item.field === 'language');
    expect(evidence?.detail).toContain(language);
  });

  it('English needs no evidence of its language', () => {
    expect(readPrompt('a white cat on a windowsill').evidence.some((item) => item.field === 'language')).toBe(false);
  });
});
