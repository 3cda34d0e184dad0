// The two pictures every measurement is made with, 1024x1024 PNG both: a flat one of about 1 KB, which shows the cost of a
// request, and noise of 1.5 MB, as heavy as what gpt-image-2 sends, which shows the cost of its bytes.
import sharp from 'sharp';
import { seededRandom } from '../../src/system/random.ts';

export const PICTURES = ['tiny', 'full'] as const;
export type PictureName = (typeof PICTURES)[number];

const EDGE = 1024;

export async function cannedPicture(name: PictureName): Promise<Buffer> {
  const raw = { width: EDGE, height: EDGE, channels: name === 'tiny' ? 1 : 3 } as const;
  const pixels = Buffer.alloc(EDGE * EDGE * raw.channels, 128);
  // Four random bits a channel: Huffman coding leaves half of three megabytes.
  if (name === 'full') {
    const random = seededRandom('canned picture');
    for (let index = 0; index < pixels.length; index += 1) pixels[index] = Math.floor(random.next() * 16);
  }
  return sharp(pixels, { raw })
    .toColourspace(name === 'tiny' ? 'b-w' : 'srgb')
    .png({ compressionLevel: 9 })
    .toBuffer();
}
