// What a Gemini request is about: its text, and the pictures among its parts. Pictures the model made itself are part of the
// conversation and come back with their signature; only those of the user are references.
import { z } from 'zod';
import type { Answer, ImageCall, Reference } from '../call.ts';
import { readReference } from '../references.ts';
import { invalidArgument } from './google-errors.ts';

const InlineSchema = z.union([
  z.looseObject({ mimeType: z.string(), data: z.string() }),
  z.looseObject({ mime_type: z.string(), data: z.string() }).transform(({ mime_type, data }) => ({ mimeType: mime_type, data })),
]);
const PartSchema = z.looseObject({
  text: z.string().optional(),
  inlineData: InlineSchema.optional(),
  inline_data: InlineSchema.optional(),
  thoughtSignature: z.string().optional(),
});
const ContentSchema = z.looseObject({ role: z.string().optional(), parts: z.array(PartSchema) });
const ContentsSchema = z.union([z.array(ContentSchema), ContentSchema.transform((content) => [content])]);
type Contents = z.infer<typeof ContentsSchema>;

/** About 7 MB an image when it is sent inline. */
const MAX_INLINE_CHARACTERS = 10_000_000;
const TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/webp'];

export async function readContents(value: unknown, mostReferences: number): Promise<Pick<ImageCall, 'prompt' | 'references'> | Answer> {
  const parsed = ContentsSchema.safeParse(value);
  const prompt = parsed.success ? promptOf(parsed.data) : '';
  if (!parsed.success || prompt.trim() === '') return invalidArgument('* GenerateContentRequest.contents: contents is not specified\n');
  const unsigned = unsignedPart(parsed.data);
  if (unsigned !== undefined) return invalidArgument(`Image part is missing a thought_signature in ${unsigned}.`);
  const pictures = parsed.data.filter(({ role }) => role !== 'model').flatMap(({ parts }) => parts.flatMap((part) => inlineIn(part) ?? []));
  if (pictures.length > mostReferences)
    return invalidArgument(`Please use fewer than ${mostReferences + 1} images in your request to this model.`);
  const references: Reference[] = [];
  for (const { mimeType, data } of pictures) {
    if (!TYPES.includes(mimeType)) return invalidArgument(`Unsupported MIME type: ${mimeType}`);
    const reference = data.length > MAX_INLINE_CHARACTERS ? undefined : await readReference(Buffer.from(data, 'base64'));
    if (reference === undefined)
      return invalidArgument(
        'Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
      );
    references.push(reference);
  }
  return { prompt, references };
}

function promptOf(contents: Contents): string {
  return contents.flatMap(({ parts }) => parts.flatMap((part) => part.text ?? [])).join('\n');
}

function inlineIn(part: Contents[number]['parts'][number]): { readonly mimeType: string; readonly data: string } | undefined {
  return part.inlineData ?? part.inline_data;
}

/** Where the model's own picture came back without the signature it was given. */
function unsignedPart(contents: Contents): string | undefined {
  const places = contents.flatMap(({ role, parts }, at) =>
    parts.flatMap((part, index) =>
      role === 'model' && inlineIn(part) !== undefined && part.thoughtSignature === undefined
        ? [`content position ${at + 1}, part position ${index + 1}`]
        : [],
    ),
  );
  return places[0];
}
