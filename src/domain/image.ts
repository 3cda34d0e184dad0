// Images as delivered: checked to the end of the file and measured, never merely promised by a header. A caller's
// reference images are decoded in full.
import type { ImageFormat } from './vocabulary.ts';

export type Image = {
  readonly bytes: Uint8Array;
  readonly format: ImageFormat;
  /** `image/png`, `image/jpeg` or `image/webp`. */
  readonly mediaType: string;
  /** True pixels, read from the decoded picture. */
  readonly width: number;
  readonly height: number;
  /**
   * The base64 of `bytes`, as ASCII, just as the provider wrote it: for whoever passes the picture on as base64. Only where
   * that was asked, and only of a picture that needed no change; `bytes` are then decoded anew each time they are read.
   */
  readonly encoded?: Uint8Array;
};

/** What an edit works from. Checked like every image; the mask only where the route takes one. */
export type Attachments = { readonly references: readonly Image[]; readonly mask: Image | undefined };

export const NO_ATTACHMENTS: Attachments = { references: [], mask: undefined };

/** Interim pictures asked of a streaming route: the first at about 40 % of the render, the second at 70 %; more add cost, not news. */
export const PARTIAL_IMAGES = 2;

export function mediaTypeOf(format: ImageFormat): string {
  return `image/${format}`;
}

/** Of a file, as people and programs name them. */
export const EXTENSION_OF_FORMAT: Readonly<Record<ImageFormat, string>> = { png: 'png', jpeg: 'jpg', webp: 'webp' };
