// What OpenAI says about parameters, the same for generations and edits: the first thing wrong is answered, in the vendor's
// words. Only the size of an image is checked against the route's own rule, so a new model needs no code here.
import { aspectOf, formatSize, parseSize, pixels, type Size, type SizeRule } from '../../domain/size.ts';
import { IMAGE_FORMATS, type Operation, QUALITIES } from '../../domain/vocabulary.ts';
import type { Answer } from '../call.ts';
import { badParameter, modelMissing } from './openai-errors.ts';

export type Body = Readonly<Record<string, unknown>>;

const SHARED_PARAMETERS = [
  'prompt',
  'model',
  'n',
  'size',
  'quality',
  'output_format',
  'output_compression',
  'background',
  'stream',
  'partial_images',
  'user',
  'safety_identifier',
] as const;
/** Every parameter of a GPT image model; `response_format` and `style` are of others and refused. */
const PARAMETERS: Readonly<Record<Operation, readonly string[]>> = {
  generate: [...SHARED_PARAMETERS, 'moderation'],
  edit: [...SHARED_PARAMETERS, 'image', 'image[]', 'images', 'mask', 'input_fidelity'],
};
const MAX_PROMPT_CHARACTERS = 32_000;
/** What `auto` means where no size was asked for. */
const AUTO_SIZE: Size = { width: 1024, height: 1024 };

/** The first complaint in the order the vendor checks: unknown names, required ones, then each value. */
export function complaintAbout(body: Body, operation: Operation): Answer | undefined {
  const known = PARAMETERS[operation];
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) return badParameter(unknown, `Unknown parameter: '${unknown}'.`, 'unknown_parameter');
  return aboutPrompt(body.prompt) ?? aboutModel(body.model) ?? aboutNumbers(body) ?? aboutOutput(body) ?? aboutStream(body.stream);
}

function aboutPrompt(prompt: unknown): Answer | undefined {
  if (prompt === undefined) return badParameter('prompt', "Missing required parameter: 'prompt'.", 'missing_required_parameter');
  if (typeof prompt !== 'string') return wrongType('prompt', 'a string', prompt);
  if (prompt.trim() === '')
    return badParameter(
      'prompt',
      "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead.",
      'empty_string',
    );
  if (prompt.length <= MAX_PROMPT_CHARACTERS) return undefined;
  return badParameter(
    'prompt',
    `Invalid 'prompt': string too long. Expected a string with maximum length ${MAX_PROMPT_CHARACTERS}, but got a string with length ${prompt.length} instead.`,
    'string_above_max_length',
  );
}

function aboutModel(model: unknown): Answer | undefined {
  // The specification's default is a model that was retired in May 2026.
  if (model === undefined) return modelMissing('dall-e-2');
  return typeof model === 'string' ? undefined : wrongType('model', 'a string', model);
}

function aboutNumbers(body: Body): Answer | undefined {
  return (
    aboutInteger('n', body.n, 1, 10) ??
    aboutInteger('output_compression', body.output_compression, 0, 100) ??
    aboutInteger('partial_images', body.partial_images, 0, 3)
  );
}

function aboutInteger(name: string, value: unknown, low: number, high: number): Answer | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType(name, 'an integer', value);
  if (value < low)
    return badParameter(
      name,
      `Invalid '${name}': integer below minimum value. Expected a value >= ${low}, but got ${value} instead.`,
      'integer_below_min_value',
    );
  if (value > high)
    return badParameter(
      name,
      `Invalid '${name}': integer above maximum value. Expected a value <= ${high}, but got ${value} instead.`,
      'integer_above_max_value',
    );
  return undefined;
}

function aboutOutput(body: Body): Answer | undefined {
  const listed =
    aboutList('quality', body.quality, [...QUALITIES, 'auto']) ??
    aboutList('output_format', body.output_format, IMAGE_FORMATS) ??
    aboutList('background', body.background, ['transparent', 'opaque', 'auto']) ??
    aboutList('moderation', body.moderation, ['auto', 'low']);
  if (listed) return listed;
  const format = body.output_format ?? 'png';
  const compression = body.output_compression;
  if (format === 'png' && typeof compression === 'number' && compression !== 100) {
    return badParameter(
      'output_compression',
      'Compression less than 100 is not supported for PNG output format.',
      null,
      'image_generation_user_error',
    );
  }
  if (format === 'jpeg' && body.background === 'transparent') {
    return badParameter(
      'background',
      'Transparent background is not supported for JPEG output format.',
      null,
      'image_generation_user_error',
    );
  }
  return undefined;
}

function aboutStream(stream: unknown): Answer | undefined {
  return stream === undefined || stream === null || typeof stream === 'boolean' ? undefined : wrongType('stream', 'a boolean', stream);
}

function aboutList(name: string, value: unknown, supported: readonly string[]): Answer | undefined {
  if (value === undefined || value === null || oneOf(value, supported) !== undefined) return undefined;
  return unsupported(name, value, supported);
}

export function unsupported(name: string, value: unknown, supported: readonly string[]): Answer {
  return badParameter(name, `Invalid value: '${String(value)}'. Supported values are: ${listed(supported)}.`);
}

function wrongType(name: string, expected: string, value: unknown): Answer {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  return badParameter(name, `Invalid type for '${name}': expected ${expected}, but got ${got} instead.`, 'invalid_type');
}

/** `'low', 'medium', and 'high'`. */
function listed(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')}, and ${quoted.at(-1)}`;
}

export function oneOf<Value extends string>(value: unknown, values: readonly Value[]): Value | undefined {
  return values.find((known) => known === value);
}

export function sizeFrom(value: unknown, rule: SizeRule): Size | Answer {
  if (value === undefined || value === null || value === 'auto') return autoSize(rule);
  const size = typeof value === 'string' ? parseSize(value) : undefined;
  if (rule.kind === 'list' && !(size && rule.sizes.includes(formatSize(size)))) return unsupported('size', value, [...rule.sizes, 'auto']);
  if (size === undefined) return badSize(String(value), "Expected 'auto' or WIDTHxHEIGHT.");
  const complaint = rule.kind === 'grid' ? gridComplaint(rule, size) : undefined;
  return complaint === undefined ? size : badSize(formatSize(size), complaint);
}

function autoSize(rule: SizeRule): Size {
  return (rule.kind === 'list' && parseSize(rule.sizes[0] ?? '')) || AUTO_SIZE;
}

function badSize(size: string, complaint: string): Answer {
  return badParameter('size', `Invalid size '${size}'. ${complaint}`, 'invalid_value', 'image_generation_user_error');
}

function gridComplaint(rule: Extract<SizeRule, { kind: 'grid' }>, size: Size): string | undefined {
  if (size.width % rule.multiple !== 0 || size.height % rule.multiple !== 0)
    return `Width and height must both be divisible by ${rule.multiple}.`;
  if (Math.max(size.width, size.height) > rule.maxEdge) return `The longest edge must be less than or equal to ${rule.maxEdge}.`;
  if (Math.max(aspectOf(size), 1 / aspectOf(size)) > rule.maxAspect)
    return `The aspect ratio must be between 1:${rule.maxAspect} and ${rule.maxAspect}:1.`;
  if (pixels(size) < rule.minPixels) return 'Requested resolution is below the current minimum pixel budget.';
  if (pixels(size) > rule.maxPixels) return 'Requested resolution is above the current maximum pixel budget.';
  return undefined;
}
