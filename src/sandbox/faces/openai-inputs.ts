// The pictures of an images/edits request: taken from a form's files or a JSON body's data URIs, then checked as OpenAI
// does. Nothing is ever fetched: a stand-in on loopback that followed a caller's URLs would be an open door.
import type { Route } from '../../domain/route.ts';
import type { Answer, ImageCall, Reference } from '../call.ts';
import { readReference } from '../references.ts';
import type { Form } from './multipart.ts';
import { badImageFile, badMask, badParameter } from './openai-errors.ts';
import type { Body } from './openai-parameters.ts';

export type Inputs = Pick<ImageCall, 'references' | 'mask'>;
export const NO_INPUTS: Inputs = { references: [], mask: undefined };

/** As they came. 'unreadable' is something that was sent and is no picture the sandbox takes. */
export type Pictures = { readonly images: readonly (Buffer | 'unreadable')[]; readonly mask: Buffer | 'unreadable' | undefined };

/** Documented limits: 50 MB an image, 4 MB the mask. */
const MAX_IMAGE_BYTES = 50_000_000;
const MAX_MASK_BYTES = 4_000_000;

export function picturesInForm(form: Form): Pictures {
  const images = form.files.filter(({ name }) => name === 'image' || name === 'image[]').map(({ bytes }) => bytes);
  return { images, mask: form.files.find(({ name }) => name === 'mask')?.bytes };
}

const WHOLE_NUMBERS: readonly string[] = ['n', 'output_compression', 'partial_images'];

/** A form knows only text: numbers and booleans become themselves again. */
export function parametersInForm(form: Form): Body {
  return Object.fromEntries(
    Object.entries(form.fields).map(([name, text]) => {
      if (WHOLE_NUMBERS.includes(name) && /^-?\d+(?:\.\d+)?$/.test(text)) return [name, Number(text)];
      if (name === 'stream' && (text === 'true' || text === 'false')) return [name, text === 'true'];
      return [name, text];
    }),
  );
}

/** `images: [{image_url: 'data:...'}]`, and `mask` of the same form. */
export function picturesInBody(body: unknown): Pictures {
  const { images, mask } = typeof body === 'object' && body !== null ? (body as Body) : {};
  return {
    images: Array.isArray(images) ? images.map(dataUri) : images === undefined ? [] : ['unreadable'],
    mask: mask === undefined || mask === null ? undefined : dataUri(mask),
  };
}

function dataUri(value: unknown): Buffer | 'unreadable' {
  const url = typeof value === 'object' && value !== null && 'image_url' in value ? value.image_url : undefined;
  const base64 = typeof url === 'string' ? /^data:image\/[a-z+]+;base64,/.exec(url)?.[0] : undefined;
  return base64 === undefined ? 'unreadable' : Buffer.from(String(url).slice(base64.length), 'base64');
}

/** Throws nothing; the first complaint is the answer. `route` is any of the model's: they differ in quality only. */
export async function readInputs(pictures: Pictures, body: Body, route: Route): Promise<Inputs | Answer> {
  const complaint = aboutCount(pictures.images.length, route) ?? aboutFidelity(body.input_fidelity, route.model);
  if (complaint) return complaint;
  const references: Reference[] = [];
  for (const [index, image] of pictures.images.entries()) {
    const reference = image === 'unreadable' || image.length >= MAX_IMAGE_BYTES ? undefined : await readReference(image);
    if (reference === undefined) return badImageFile(index + 1);
    references.push(reference);
  }
  const mask = await readMask(pictures.mask, references[0], route);
  return mask !== undefined && 'status' in mask ? mask : { references, mask };
}

function aboutCount(count: number, route: Route): Answer | undefined {
  const most = route.capabilities.maxReferences;
  if (most === 0) return badParameter('model', `The model '${route.model}' does not support image edits.`);
  if (count === 0) return badParameter('image', "Missing required parameter: 'image'.", 'missing_required_parameter');
  if (count <= most) return undefined;
  return badParameter(
    'image',
    `Invalid 'image': array too long. Expected an array with maximum length ${most}, but got an array with length ${count} instead.`,
    'array_above_max_length',
  );
}

/** Only the models before gpt-image-2 can be told; that one always works at high fidelity. */
function aboutFidelity(fidelity: unknown, model: string): Answer | undefined {
  if (fidelity === undefined || fidelity === null) return undefined;
  if (!model.startsWith('gpt-image-1'))
    return badParameter(
      'input_fidelity',
      `The model '${model}' does not support the 'input_fidelity' parameter.`,
      'invalid_input_fidelity_model',
    );
  if (fidelity === 'high' || fidelity === 'low') return undefined;
  return badParameter('input_fidelity', `Invalid value: '${String(fidelity)}'. Supported values are: 'high', and 'low'.`);
}

async function readMask(bytes: Pictures['mask'], first: Reference | undefined, route: Route): Promise<Reference | Answer | undefined> {
  if (bytes === undefined || first === undefined) return undefined;
  if (!route.capabilities.mask) return badParameter('mask', `The model '${route.model}' does not support masks.`);
  const mask = bytes === 'unreadable' || bytes.length >= MAX_MASK_BYTES ? undefined : await readReference(bytes);
  if (mask === undefined) return badMask('must be a PNG file of less than 4 MB');
  if (mask.size.width !== first.size.width || mask.size.height !== first.size.height) return badMask('mask size does not match image size');
  return mask.hasAlpha ? mask : badMask('mask image missing alpha channel');
}
