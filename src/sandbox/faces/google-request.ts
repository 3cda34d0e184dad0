// Reads a generateContent body as Gemini does. Unknown names are refused as the protobuf front end refuses them, which is
// what catches a caller who sends OpenAI's parameters or Vertex-only ones.
import { z } from 'zod';
import { parseSize } from '../../domain/size.ts';
import { type Answer, type Arrival, type ImageCall, invalid, type Reading } from '../call.ts';
import type { Catalogue } from '../catalogue.ts';
import { complexityOf } from '../model/complexity.ts';
import { readContents } from './google-contents.ts';
import { invalidArgument, modelMissing } from './google-errors.ts';

const FIELDS = {
  '': ['contents', 'generationConfig', 'safetySettings', 'systemInstruction', 'tools', 'toolConfig', 'cachedContent', 'continuationToken'],
  generation_config: [
    'responseModalities',
    'imageConfig',
    'temperature',
    'topP',
    'topK',
    'seed',
    'candidateCount',
    'maxOutputTokens',
    'stopSequences',
    'thinkingConfig',
    'responseMimeType',
    'mediaResolution',
  ],
  'generation_config.image_config': ['aspectRatio', 'imageSize'],
} as const;

const ObjectSchema = z.record(z.string(), z.unknown());
type Fields = z.infer<typeof ObjectSchema>;
/** Google refuses shorter deadlines (seen word for word). */
const SHORTEST_DEADLINE_SECONDS = 10;

export type GoogleRequest = {
  readonly body: unknown;
  readonly arrival: Arrival;
  readonly model: string;
  readonly version: string;
  /** The X-Server-Timeout header, in seconds. */
  readonly serverTimeout: string | undefined;
  readonly streamed: boolean;
};

export async function readGoogleCall(request: GoogleRequest, catalogue: Catalogue): Promise<Reading> {
  const { model, version } = request;
  const [route] = catalogue.routesOf('google', model);
  if (route === undefined || route.capabilities.sizes.kind !== 'ratios') return invalid(modelMissing(model, version));
  const seconds = request.serverTimeout === undefined ? undefined : Number(request.serverTimeout);
  if (seconds !== undefined && seconds < SHORTEST_DEADLINE_SECONDS) {
    return invalid(
      invalidArgument(`Manually set deadline ${seconds}s is too short. Minimum allowed deadline is ${SHORTEST_DEADLINE_SECONDS}s.`),
    );
  }
  const fields = fieldsOf(request.body);
  if ('status' in fields) return invalid(fields);
  const complaint = complaintAbout(fields.config);
  if (complaint) return invalid(complaint);
  const shape = shapeOf(fields.image, route.capabilities.sizes.resolutions);
  if ('status' in shape) return invalid(shape);
  const contents = await readContents(fields.body.contents, route.capabilities.maxReferences);
  if ('status' in contents) return invalid(contents);
  const call: ImageCall = {
    ...request.arrival,
    ...contents,
    ...shape,
    protocol: 'google',
    route,
    model,
    quality: route.settings.quality,
    n: 1,
    complexity: complexityOf(contents.prompt),
    mask: undefined,
    stream: request.streamed ? { partialImages: 0 } : undefined,
    format: route.capabilities.formats[0] ?? 'jpeg',
    compression: undefined,
    transparent: false,
    serverTimeoutMs: seconds === undefined || Number.isNaN(seconds) ? undefined : seconds * 1_000,
    apiVersion: version,
    safetyIdentifier: undefined,
    continues: typeof fields.body.continuationToken === 'string',
  };
  return { kind: 'call', call };
}

/** The three objects that are read, their names checked; or what is wrong with them. */
function fieldsOf(value: unknown): { readonly body: Fields; readonly config: Fields; readonly image: Fields } | Answer {
  const body = objectAt(value, '');
  if (isAnswer(body)) return body;
  const config = objectAt(body.generationConfig ?? body.generation_config ?? {}, 'generation_config');
  if (isAnswer(config)) return config;
  const image = objectAt(config.imageConfig ?? config.image_config ?? {}, 'generation_config.image_config');
  if (isAnswer(image)) return image;
  return { body, config, image };
}

function isAnswer(value: Fields | Answer): value is Answer {
  return typeof value.status === 'number';
}

function objectAt(value: unknown, path: keyof typeof FIELDS): Fields | Answer {
  const parsed = ObjectSchema.safeParse(value);
  if (!parsed.success) return invalidArgument('Invalid JSON payload received. Unexpected token.');
  const known: readonly string[] = FIELDS[path];
  const unknown = Object.keys(parsed.data).find((name) => !known.includes(name) && !known.map(snakeCase).includes(name));
  if (unknown === undefined) return parsed.data;
  const at = path === '' ? '' : ` at '${path}'`;
  return invalidArgument(`Invalid JSON payload received. Unknown name "${unknown}"${at}: Cannot find field.`, path === '' ? unknown : path);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function complaintAbout(config: Fields): Answer | undefined {
  const count = config.candidateCount ?? config.candidate_count ?? 1;
  if (count !== 1) return invalidArgument('Multiple candidates is not enabled for this model');
  const modalities = config.responseModalities ?? config.response_modalities;
  if (modalities === undefined) return undefined;
  const known = Array.isArray(modalities) && modalities.every((modality) => modality === 'TEXT' || modality === 'IMAGE');
  if (!known)
    return invalidArgument(
      `Invalid value at 'generation_config.response_modalities' (type.googleapis.com/google.ai.generativelanguage.v1beta.GenerationConfig.Modality), ${JSON.stringify(modalities)}`,
    );
  return modalities.includes('IMAGE')
    ? undefined
    : invalidArgument('The requested combination of response modalities (TEXT) is not supported by the model.');
}

type Resolutions = Readonly<Record<string, Readonly<Record<string, string>>>>;

function shapeOf(image: Fields, resolutions: Resolutions): Pick<ImageCall, 'size' | 'resolution'> | Answer {
  const resolution = String(image.imageSize ?? image.image_size ?? '1K');
  const ratios = resolutions[resolution];
  if (ratios === undefined) return notInList('image_size', resolution, Object.keys(resolutions));
  const ratio = String(image.aspectRatio ?? image.aspect_ratio ?? '1:1');
  const size = parseSize(ratios[ratio] ?? '');
  return size === undefined ? notInList('aspect_ratio', ratio, Object.keys(ratios)) : { size, resolution };
}

function notInList(field: string, value: string, supported: readonly string[]): Answer {
  return invalidArgument(
    `Invalid value at 'generation_config.image_config.${field}': "${value}". Supported values are: ${supported.join(', ')}.`,
    `generation_config.image_config.${field}`,
  );
}
