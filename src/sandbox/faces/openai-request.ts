// Reads an images/generations or images/edits request as OpenAI does. Nothing is guessed: the first thing wrong is answered.
// An edit comes as a form or as JSON with data URIs; both become the same parameters before anything is checked.
import { z } from 'zod';
import { IMAGE_FORMATS, type ImageFormat, type Quality } from '../../domain/vocabulary.ts';
import { type Answer, type Arrival, type ImageCall, invalid, type Reading } from '../call.ts';
import { type Catalogue, qualitiesOf, routeFor } from '../catalogue.ts';
import { complexityOf } from '../model/complexity.ts';
import { modelMissing, unreadableBody } from './openai-errors.ts';
import { type Inputs, NO_INPUTS, type Pictures, readInputs } from './openai-inputs.ts';
import { type Body, complaintAbout, oneOf, sizeFrom, unsupported } from './openai-parameters.ts';

const BodySchema = z.record(z.string(), z.unknown());

/** A body once it is parameters; `pictures` of a generation are undefined. */
export type OpenaiRequest = { readonly value: unknown; readonly pictures: Pictures | undefined };

export async function readOpenaiCall(request: OpenaiRequest, arrival: Arrival, catalogue: Catalogue): Promise<Reading> {
  const parsed = BodySchema.safeParse(request.value);
  if (!parsed.success) return invalid(unreadableBody());
  const body = parsed.data;
  const complaint = complaintAbout(body, request.pictures === undefined ? 'generate' : 'edit');
  if (complaint) return invalid(complaint);
  const model = String(body.model);
  const routes = catalogue.routesOf('openai', model);
  const [first] = routes;
  if (first === undefined) return invalid(modelMissing(model));
  const inputs = request.pictures === undefined ? NO_INPUTS : await readInputs(request.pictures, body, first);
  if ('status' in inputs) return invalid(inputs);
  const call = callOf(body, inputs, arrival, routes);
  return 'status' in call ? invalid(call) : { kind: 'call', call };
}

function callOf(body: Body, inputs: Inputs, arrival: Arrival, routes: ReturnType<Catalogue['routesOf']>): ImageCall | Answer {
  const prompt = String(body.prompt);
  const complexity = complexityOf(prompt);
  const offered = qualitiesOf(routes);
  const quality = oneOf<Quality | 'auto'>(body.quality ?? 'auto', [...offered, 'auto']);
  const route = quality === undefined ? undefined : routeFor(routes, quality, complexity);
  if (route === undefined) return unsupported('quality', body.quality, [...offered, 'auto']);
  const size = sizeFrom(body.size, route.capabilities.sizes);
  if ('status' in size) return size;
  const { format, compression, transparent } = outputOf(body);
  return {
    ...arrival,
    ...inputs,
    protocol: 'openai',
    route,
    model: String(body.model),
    quality: route.settings.quality,
    size,
    resolution: undefined,
    n: Number(body.n ?? 1),
    prompt,
    complexity,
    stream: body.stream === true ? { partialImages: Number(body.partial_images ?? 0) } : undefined,
    format,
    compression,
    transparent: transparent && route.capabilities.transparency,
    serverTimeoutMs: undefined,
    apiVersion: 'v1',
    safetyIdentifier: typeof body.safety_identifier === 'string' ? body.safety_identifier : undefined,
    continues: false,
  };
}

function outputOf(body: Body): { readonly format: ImageFormat; readonly compression: number | undefined; readonly transparent: boolean } {
  return {
    format: oneOf(body.output_format, IMAGE_FORMATS) ?? 'png',
    compression: typeof body.output_compression === 'number' ? body.output_compression : undefined,
    transparent: body.background === 'transparent',
  };
}
