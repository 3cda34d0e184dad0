import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { composePicture, type PictureSpec } from '../../src/sandbox/pictures/compose.ts';
import { renderPicture } from '../../src/sandbox/pictures/render.ts';
import { foldText, misletter, wrapText } from '../../src/sandbox/pictures/text.ts';
import { seededRandom } from '../../src/system/random.ts';

const spec: PictureSpec = {
  prompt: 'a cat with a sign "OPEN"',
  index: 0,
  size: { width: 1024, height: 1024 },
  transparent: false,
  visual: 0.97,
  text: 0.99,
  caption: 'gpt-image-2 high',
};

describe('an honest picture', () => {
  it('weighs what the real ones weigh', async () => {
    const png = await renderPicture(spec, { format: 'png', compression: undefined, weight: 'honest' });
    expect(png.length).toBeGreaterThan(1.5e6);
    expect(png.length).toBeLessThan(2.5e6);
    const jpeg = await renderPicture(spec, { format: 'jpeg', compression: undefined, weight: 'honest' });
    expect(jpeg.length).toBeGreaterThan(0.55e6);
    expect(jpeg.length).toBeLessThan(1.5e6);
  });
});

describe('a picture', () => {
  it('says in its metadata whose it is', async () => {
    const png = await renderPicture(spec, { format: 'png', compression: undefined, weight: 'light' });
    expect((await sharp(png).metadata()).exif?.toString('latin1')).toContain('gpt-image-2 high');
  });

  it('is the same for the same call and another for another prompt, image or quality', () => {
    const pixels = { width: 64, height: 64 };
    const all = [spec, { ...spec, prompt: 'a dog' }, { ...spec, index: 1 }, { ...spec, visual: 0.7, text: 0.7 }].map((one) =>
      composePicture(one, pixels),
    );
    expect(new Set(all).size).toBe(4);
    expect(composePicture(spec, pixels)).toBe(all[0]);
  });

  it('of any prompt and shape can be rendered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', maxLength: 80 }),
        fc.integer({ min: 16, max: 96 }),
        fc.integer({ min: 16, max: 96 }),
        fc.boolean(),
        async (prompt, width, height, transparent) => {
          const image = await renderPicture(
            { ...spec, prompt: `sea "${prompt}"`, size: { width, height }, transparent },
            { format: 'png', compression: undefined, weight: 'light' },
          );
          const metadata = await sharp(image).metadata();
          expect(metadata).toMatchObject({ width, height, hasAlpha: transparent });
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('lettering', () => {
  it('is wrong in as many letters as the route is inaccurate, on average', () => {
    const text = 'GRAND OPENING SATURDAY';
    const wrong = (accuracy: number): number =>
      Array.from({ length: 200 }, (_, seed) => misletter(text, accuracy, seededRandom(seed))).filter((drawn) => drawn !== text).length;
    expect(wrong(1)).toBe(0);
    expect(wrong(0.99)).toBeLessThan(70);
    expect(wrong(0.75)).toBeGreaterThan(195);
  });

  it('folds what has an ASCII likeness', () => {
    expect(foldText('Café “naïve” – Straße…')).toBe('Cafe "naive" - Strasse...');
  });

  it('wraps without losing a letter', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z ]{0,60}$/), fc.integer({ min: 3, max: 20 }), (text, columns) => {
        const lines = wrapText(text, columns);
        return lines.join('').replaceAll(' ', '') === text.replaceAll(' ', '') && lines.every((line) => line.length <= columns);
      }),
    );
  });
});
