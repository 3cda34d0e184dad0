// Images as delivered: bytes that were decoded once and measured, never merely promised by a header.
import type { ImageFormat } from './vocabulary.ts';

export type Image = {
  readonly bytes: Uint8Array;
  readonly format: ImageFormat;
  /** `image/png`, `image/jpeg` or `image/webp`. */
  readonly mediaType: string;
  /** True pixels, read from the decoded picture. */
  readonly width: number;
  readonly height: number;
};

/** What an edit works from. Checked like every image; the mask only where the route takes one. */
export type Attachments = { readonly references: readonly Image[]; readonly mask: Image | undefined };

export const NO_ATTACHMENTS: Attachments = { references: [], mask: undefined };

export function mediaTypeOf(format: ImageFormat): string {
  return `image/${format}`;
}
