// The OpenAPI 3.1 document, made from the endpoints the app serves and the schemas that parse their bodies, so that it cannot
// say what is not so. What only people can say of an endpoint stands in operations.ts.
import { z } from 'zod';
import type { Endpoint } from '../http/endpoint.ts';
import { ANSWER_SCHEMAS } from './answer-schemas.ts';
import { BODY_SCHEMAS } from './body-schemas.ts';
import { ERRORS } from './error-list.ts';
import {
  ERROR_HEADERS,
  FIELD_PARAMETERS,
  FILE_HEADERS,
  IDEMPOTENCY_PARAMETER,
  IMAGE_HEADERS,
  JOB_HEADERS,
  LOOK_HEADERS,
  PREFER_PARAMETER,
  REPLY_HEADERS,
  WAITED_HEADERS,
} from './headers.ts';
import { isJson, type Json, plainSchema } from './json-schema.ts';
import { JSON_TYPE, type OperationNotes } from './operation-notes.ts';
import { OPERATIONS } from './operations.ts';

export type OpenApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: Json;
  readonly servers: readonly Json[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
};

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** `/v1/traces/:id` -> `/v1/traces/{id}`. */
export function openApiPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

export function openApiDocument(endpoints: readonly Endpoint[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of [...endpoints].sort(inReadingOrder)) {
    const path = openApiPath(endpoint.path);
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint) };
  }
  const description = "OpenAI's image API over a router that keeps deadlines and price caps, even while a provider is failing.";
  const key = { type: 'http', scheme: 'bearer', description: 'ir_..., also as x-api-key. On loopback none is needed by default.' };
  return {
    openapi: '3.1.0',
    info: { title: 'image-router', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/', description: 'Where this document was read.' }],
    paths,
    components: { schemas: { ...BODY_SCHEMAS, ...answerSchemas() }, securitySchemes: { key } },
  };
}

function inReadingOrder(a: Endpoint, b: Endpoint): number {
  const order = Object.keys(OPERATIONS);
  return order.indexOf(`${a.method} ${a.path}`) - order.indexOf(`${b.method} ${b.path}`);
}

/** Schemas that hold one another refer to one another. */
function answerSchemas(): Readonly<Record<string, Json>> {
  const registry = z.registry<{ readonly id: string }>();
  for (const [id, schema] of Object.entries(ANSWER_SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plainSchema(schema, true)]));
}

function operationOf(endpoint: Endpoint): Json {
  const { path, method, summary, scope } = endpoint;
  const notes = OPERATIONS[`${method} ${path}`];
  if (notes === undefined) throw new RangeError(`every endpoint must be described, got ${method} ${path}`);
  const parameters = parametersOf(path, notes);
  return {
    summary,
    description: notes.about,
    operationId: operationId(method, path),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(notes.body === undefined ? {} : { requestBody: { required: notes.isBodyOptional !== true, content: contentOf(notes.body) } }),
    // Without a key, too: on loopback by default.
    security: scope === undefined ? [] : [{ key: [] }, {}],
    ...(scope === undefined ? {} : { 'x-scope': scope }),
    responses: { ...answersOf(notes), ...errorsOf(endpoint, notes) },
    'x-example': `curl -s ${notes.example}`,
  };
}

/** `GET /v1/models/:id` -> `getV1ModelsId`. */
function operationId(method: string, path: string): string {
  const words = path.split(/\W+/).filter((word) => word !== '');
  return method.toLowerCase() + words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('');
}

function parametersOf(path: string, { query = {}, takesHeaders, isIdempotent, takesPrefer }: OperationNotes): readonly Json[] {
  const schema = { type: 'string' };
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema }));
  const inQuery = Object.entries(query).map(([name, description]) => ({ name, in: 'query', description, schema }));
  return [
    ...inPath,
    ...inQuery,
    ...(takesHeaders === true ? FIELD_PARAMETERS : []),
    ...(isIdempotent === true ? [IDEMPOTENCY_PARAMETER] : []),
    ...(takesPrefer === true ? [PREFER_PARAMETER] : []),
  ];
}

function contentOf(schemas: Readonly<Record<string, string | undefined>>): Json {
  const entries = Object.entries(schemas).map(([type, name]) => [type, name === undefined ? {} : { schema: ref(name) }] as const);
  return Object.fromEntries(entries);
}

function answersOf({ answer, accepted, makesImages, isLookedAtAgain, isFile }: OperationNotes): Readonly<Record<string, Json>> {
  const headers = {
    ...REPLY_HEADERS,
    ...(makesImages === true ? IMAGE_HEADERS : {}),
    ...(accepted === undefined ? {} : WAITED_HEADERS),
    ...(isLookedAtAgain === true ? LOOK_HEADERS : {}),
    ...(isFile === true ? FILE_HEADERS : {}),
  };
  const jobHeaders = { ...REPLY_HEADERS, ...JOB_HEADERS };
  const later = accepted === undefined ? undefined : { [JSON_TYPE]: accepted };
  return {
    ...(Object.keys(answer).length === 0 ? {} : { '200': { description: 'Done.', headers, content: contentOf(answer) } }),
    ...(later === undefined ? {} : { '202': { description: 'Accepted as a job.', headers: jobHeaders, content: contentOf(later) } }),
    ...(isFile === true
      ? {
          '206': { description: 'The part asked for.', headers, content: contentOf(answer) },
          '304': { description: 'You have it already.', headers },
        }
      : {}),
  };
}

/** One answer for each status, naming the codes it can have. */
function errorsOf({ path }: Endpoint, { errors }: OperationNotes): Readonly<Record<string, Json>> {
  const possible = ERRORS.filter(({ place }) => errors.includes(place));
  const byStatus = Map.groupBy(possible, ({ status }) => String(status));
  const headers = { ...REPLY_HEADERS, ...ERROR_HEADERS };
  const content = { 'application/json': { schema: ref('Error') } };
  const answers = [...byStatus].map(([status, entries]): readonly [string, Json] => [
    status,
    { description: entries.map(({ code, meaning }) => `${code}: ${meaning}`).join(' '), headers, content },
  ]);
  const notReady = { description: 'Not ready; the reasons say why.', content: { 'application/json': { schema: ref('Readiness') } } };
  return { ...Object.fromEntries(answers), ...(path === '/readyz' ? { '503': notReady } : {}) };
}

/** The schema a reference names, or the schema itself. */
export function resolveSchema({ components }: OpenApiDocument, schema: unknown): Json {
  if (!isJson(schema)) return {};
  const name = typeof schema.$ref === 'string' ? /^#\/components\/schemas\/(\w+)$/.exec(schema.$ref)?.[1] : undefined;
  // What stands beside a reference (a description) adds to what it names.
  return name === undefined ? schema : { ...components.schemas[name], ...schema };
}
