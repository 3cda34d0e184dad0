// The one place that loads sharp, and only when the first picture is there: importing the router must cost nothing.
import type { Sharp } from 'sharp';

export async function loadPixels(): Promise<void> {
  await import('sharp');
}

/** A picture to be decoded. The caller has checked its pixel count: the limit here is off. */
export async function openPicture(bytes: Uint8Array): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  // `error` rather than sharp's default `warning`: an odd colour profile is a warning, a missing half is an error.
  return sharp(bytes, { failOn: 'error', limitInputPixels: false, sequentialRead: true });
}
