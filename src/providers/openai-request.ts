// What OpenAI's image API is told: the same decisions as JSON for a generation and as multipart form for an edit. Nothing
// is sent that was not decided, and two parameters never: `moderation`, which edits do not know, and `input_fidelity`,
// which gpt-image-2 refuses because it always works at high fidelity.
import type { Endpoint } from '../domain/endpoint.ts';
import type { Image } from '../domain/image.ts';
import { formatSize } from '../domain/size.ts';
import type { Background, ImageFormat, Quality } from '../domain/vocabulary.ts';
import type { ProviderCall } from './provider.ts';

/** What generations and edits are told alike. */
export type Generation = {
  readonly model: string;
  readonly prompt: string;
  readonly n: number;
  readonly size: string;
  readonly quality?: Quality;
  readonly background: Background;
  readonly output_format: ImageFormat;
  readonly output_compression?: number;
  readonly safety_identifier?: string;
};
export type Edit = Generation & { readonly image: File | File[]; readonly mask?: File };

/** The SDK's own: it makes buffered files, where a stream would be sent in chunks of unknown length. */
export type ToFile = (bytes: Uint8Array, name: string, options: { readonly type: string }) => Promise<File>;

export function generationOf(endpoint: Endpoint, call: ProviderCall): Generation {
  const { quality } = call.route.settings;
  const isCompressible = call.format !== 'png';
  return {
    model: endpoint.models?.[call.route.id] ?? call.route.model,
    prompt: call.prompt,
    n: call.n,
    size: formatSize(call.size.size),
    ...(quality === undefined ? {} : { quality }),
    background: call.background,
    output_format: call.format,
    ...(isCompressible && call.compression !== undefined ? { output_compression: call.compression } : {}),
    ...(call.endUser === undefined ? {} : { safety_identifier: call.endUser }),
  };
}

export async function editOf(endpoint: Endpoint, call: ProviderCall, toFile: ToFile): Promise<Edit> {
  const upload = ({ bytes, format, mediaType }: Image, name: string): Promise<File> =>
    toFile(bytes, `${name}.${format}`, { type: mediaType });
  const { references, mask } = call.attachments;
  const images = await Promise.all(references.map((image, index) => upload(image, `reference-${index + 1}`)));
  const [only] = images;
  return {
    ...generationOf(endpoint, call),
    // A single one goes as `image`, several as `image[]`: the form every relay knows for each.
    image: only !== undefined && images.length === 1 ? only : images,
    ...(mask === undefined ? {} : { mask: await upload(mask, 'mask') }),
  };
}
