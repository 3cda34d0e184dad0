// Which parts an edit's form may have: images, at most one mask, and text fields, each known by name and bounded in
// number. Everything is decided from a part's header, before its content is received.
import { nearest } from '../../domain/problem.ts';
import type { Refusal } from '../http/refusal.ts';
import { uploadRefused } from './upload-refused.ts';

/** OpenAI's limit of reference images. */
export const MOST_IMAGES = 16;
/** `image` once or repeated, `image[]`, `image[0]`: what clients make of a list. */
const IMAGE_NAME = /^image(\[\d{0,2}\])?$/;
const MASK_NAME = 'mask';

/** `param`: what error messages call it. */
export type Part = { readonly kind: 'image' | 'mask' | 'text'; readonly param: string };

export interface PartGate {
  /** Throws Refusal for a part that is unknown, one too many, or there already. */
  admit(name: string | undefined): Part;
}

/** `textNames`: the text fields there are. Each may be given once, which bounds them, too. */
export function partGate(textNames: readonly string[]): PartGate {
  const seen = new Set<string>();
  let images = 0;
  return {
    admit: (name) => {
      if (name === undefined || name === '') throw uploadRefused('invalid_multipart', 'A part of the form has no name.');
      if (IMAGE_NAME.test(name)) {
        images += 1;
        if (images > MOST_IMAGES) throw tooManyImages();
        return { kind: 'image', param: `image[${images - 1}]` };
      }
      if (name !== MASK_NAME && !textNames.includes(name)) throw unknownField(name, textNames);
      if (seen.has(name)) throw uploadRefused('invalid_value', `The field '${name}' is given more than once.`, { param: name });
      seen.add(name);
      return { kind: name === MASK_NAME ? 'mask' : 'text', param: name };
    },
  };
}

function tooManyImages(): Refusal {
  return uploadRefused('invalid_value', `At most ${MOST_IMAGES} images can be edited together.`, { param: 'image' });
}

function unknownField(name: string, known: readonly string[]): Refusal {
  const near = nearest(name, ['image', MASK_NAME, ...known]);
  const shown = /^[\w.[\]-]{1,64}$/.test(name) ? name : undefined;
  const message = shown === undefined ? 'The form has a field with an unknown name.' : `Unknown parameter: '${shown}'.`;
  const remedy = near === undefined ? 'remove it' : `did you mean "${near}"?`;
  return uploadRefused('unknown_parameter', message, { ...(shown === undefined ? {} : { param: shown }), remedy });
}
