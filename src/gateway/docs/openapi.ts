// The OpenAPI 3.1 document, made from the endpoints the app serves and the schemas that parse their bodies, so that it cannot
// say what is not so. Shapes of answers are OpenAI's; what is ours stands in `image_router`.
import { z } from 'zod';
import { ERROR_CODES } from '../../domain/error.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { EditBodySchema, GenerationBodySchema } from '../http/openai/body.ts';

type Json = Readonly<Record<string, unknown>>;

export type OpenApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: Json;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: Json;
};

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const tokens = { type: 'integer', minimum: 0 };

const SCHEMAS = {
  GenerationBody: withoutDialect(z.toJSONSchema(GenerationBodySchema, { io: 'input' })),
  EditBody: withoutDialect(z.toJSONSchema(EditBodySchema, { io: 'input' })),
  Usage: {
    type: 'object',
    properties: { input_tokens: tokens, output_tokens: tokens, total_tokens: tokens },
  },
  Images: {
    type: 'object',
    required: ['created', 'data', 'image_router'],
    properties: {
      created: { type: 'integer', description: 'Seconds since 1970.' },
      background: { enum: ['opaque', 'transparent'] },
      output_format: { enum: ['png', 'jpeg', 'webp'] },
      quality: { enum: ['low', 'medium', 'high'] },
      size: { type: 'string', examples: ['1024x1024'] },
      data: { type: 'array', items: { type: 'object', required: ['b64_json'], properties: { b64_json: { type: 'string' } } } },
      usage: ref('Usage'),
      image_router: ref('About'),
    },
  },
  About: {
    type: 'object',
    description: 'Where the images come from, what they cost, and whether they are what was asked for.',
    properties: {
      id: { type: 'string', description: 'For GET /v1/traces/{id}.' },
      route: { type: 'string' },
      target: { type: 'string' },
      tier: { enum: ['preview', 'standard', 'premium'] },
      degraded: { type: ['string', 'null'], description: 'Null, or in which way the images fall short.' },
      cost_usd: { type: 'object', properties: { billed: { type: 'number' }, possibly_billed: { type: 'number' } } },
      elapsed_ms: { type: 'integer' },
      deadline_left_ms: { type: 'integer' },
    },
  },
  Error: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['message', 'type', 'param', 'code'],
        properties: {
          message: { type: 'string' },
          type: { type: 'string' },
          param: { type: ['string', 'null'] },
          code: { type: ['string', 'null'], examples: Object.keys(ERROR_CODES) },
          remedy: { type: 'string' },
          offers: { type: 'array', description: 'What would have worked instead, best first.', items: { type: 'object' } },
        },
      },
    },
  },
};

const BODIES: Readonly<Record<string, string>> = {
  '/v1/images/generations': 'GenerationBody',
  '/v1/images/edits': 'EditBody',
  '/v1/images/explain': 'GenerationBody',
};

/** `/v1/traces/:id` -> `/v1/traces/{id}`. */
export function openApiPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

export function openApiDocument(endpoints: readonly Endpoint[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of endpoints) {
    const path = openApiPath(endpoint.path);
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'image-router', version, description: "OpenAI's image API over a router that keeps deadlines and price caps." },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'ir_..., not needed on loopback by default.' } },
    },
  };
}

function operationOf({ path, method, summary, scope, makesImages }: Endpoint): Json {
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const body = BODIES[path];
  const answer = makesImages === true ? ref('Images') : { type: 'object' };
  return {
    summary,
    operationId: `${method.toLowerCase()}${path.replaceAll(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(path, body) } }),
    ...(scope === undefined ? {} : { security: [{ key: [] }, {}] }),
    responses: {
      '200': { description: 'Done', content: { 'application/json': { schema: answer } } },
      default: { description: 'An error', content: { 'application/json': { schema: ref('Error') } } },
    },
  };
}

function contentOf(path: string, body: string): Json {
  const json = { 'application/json': { schema: ref(body) } };
  return path === '/v1/images/edits' ? { ...json, 'multipart/form-data': { schema: ref(body) } } : json;
}

function withoutDialect({ $schema: _, ...schema }: Json): Json {
  return schema;
}
