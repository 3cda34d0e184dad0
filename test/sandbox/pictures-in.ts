// Small pictures to send along with an edit.
import sharp from 'sharp';

export function redPng(width = 64, height = 64, alpha = false): Promise<Buffer> {
  const background = { r: 230, g: 20, b: 20, alpha: alpha ? 0 : 1 };
  return sharp({ create: { width, height, channels: alpha ? 4 : 3, background } })
    .png()
    .toBuffer();
}

/** Opaque on the left half, transparent on the right. */
export async function halfMask(width = 64, height = 64): Promise<Buffer> {
  const left = await sharp({ create: { width: width / 2, height, channels: 4, background: '#000' } })
    .png()
    .toBuffer();
  return sharp({ create: { width, height, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
    .composite([{ input: left, left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** Mean red, green and blue of a part of a picture, by shares of its sides. */
export async function meanColor(image: Buffer, left: number, top: number, width: number, height: number): Promise<readonly number[]> {
  const { width: wide, height: high } = await sharp(image).metadata();
  const part = await sharp(image)
    .removeAlpha()
    .extract({
      left: Math.round(left * wide),
      top: Math.round(top * high),
      width: Math.round(width * wide),
      height: Math.round(height * high),
    })
    .png()
    .toBuffer();
  return (await sharp(part).stats()).channels.map((channel) => channel.mean);
}
