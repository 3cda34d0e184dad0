import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { docsEndpoints } from '../../../src/gateway/docs/endpoints.ts';
import { ERRORS } from '../../../src/gateway/docs/error-list.ts';
import { isJson, type Json } from '../../../src/gateway/docs/json-schema.ts';
import { openApiDocument, openApiPath } from '../../../src/gateway/docs/openapi.ts';
import { OPERATIONS } from '../../../src/gateway/docs/operations.ts';
import { EditBodySchema, GenerationBodySchema, HEADER_FIELDS, parseBody } from '../../../src/gateway/http/openai/body.ts';
import { ERROR_CODES } from '../../../src/index.ts';
import { ALL_ENDPOINTS } from '../support/all-endpoints.ts';

const all = [...ALL_ENDPOINTS, ...docsEndpoints(ALL_ENDPOINTS, '1.2.3')];
const document: Json = JSON.parse(JSON.stringify(openApiDocument(all, '1.2.3')));

/** What a JSON pointer such as `#/components/schemas/Images` names. */
function pointed(reference: string): unknown {
  const steps = reference.split('/').slice(1);
  return steps.reduce<unknown>((node, step) => (typeof node === 'object' && node !== null ? Reflect.get(node, step) : undefined), document);
}

function objectsIn(node: unknown): readonly Json[] {
  if (Array.isArray(node)) return node.flatMap(objectsIn);
  return isJson(node) ? [node, ...Object.values(node).flatMap(objectsIn)] : [];
}

const at = (...path: readonly string[]): Json => {
  const found = pointed(`#/${path.join('/')}`);
  return isJson(found) ? found : {};
};
const operations = Object.entries(at('paths')).flatMap(([path, methods]) =>
  Object.entries(isJson(methods) ? methods : {}).map(([method, operation]) => ({
    path,
    method,
    operation: isJson(operation) ? operation : {},
  })),
);

describe('the OpenAPI document', () => {
  it('describes every endpoint there is, and no other', () => {
    const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    expect(described.sort()).toEqual(all.map(({ method, path }) => `${method} ${openApiPath(path)}`).sort());
    expect(Object.keys(OPERATIONS).sort()).toEqual(all.map(({ method, path }) => `${method} ${path}`).sort());
  });

  it('refers only to what it holds, and requires only fields that are there', () => {
    for (const { $ref: reference, required, properties } of objectsIn(document)) {
      if (typeof reference === 'string') expect(pointed(reference), reference).toBeDefined();
      if (!Array.isArray(required) || !isJson(properties)) continue;
      for (const name of required) expect(Object.keys(properties)).toContain(name);
    }
  });

  it('is version 3.1, with an id, a summary and responses for every operation, and every path parameter declared', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'image-router', version: '1.2.3' } });
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
    for (const { path, operation } of operations) {
      expect(operation.summary).toMatch(/\w/);
      const parameters = objectsIn(operation.parameters).filter((parameter) => parameter.in === 'path');
      expect(parameters.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      for (const [status, response] of Object.entries(isJson(operation.responses) ? operation.responses : {})) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        expect(response).toMatchObject({ description: expect.stringMatching(/\w/) });
      }
    }
  });

  it('describes every field and header a request may have', () => {
    const fieldsOf = (name: string): readonly string[] => Object.keys(at('components', 'schemas', name, 'properties'));
    expect([...fieldsOf('GenerationBody')].sort()).toEqual(Object.keys(GenerationBodySchema.shape).sort());
    expect([...fieldsOf('EditBody')].sort()).toEqual(['images', 'mask', ...Object.keys(EditBodySchema.shape)].sort());
    expect([...fieldsOf('EditForm')].sort()).toEqual(['image', 'mask', ...Object.keys(EditBodySchema.shape)].sort());
    for (const [name, field] of Object.entries(at('components', 'schemas', 'GenerationBody', 'properties')))
      expect(field, name).toMatchObject({ description: expect.stringMatching(/\w/) });
    const generate = operations.find(({ path }) => path === '/v1/images/generations')?.operation;
    const headers = objectsIn(generate?.parameters).filter((parameter) => parameter.in === 'header');
    expect(headers.map(({ name }) => name)).toEqual([...Object.keys(HEADER_FIELDS), 'idempotency-key', 'prefer']);
  });

  it('describes what a part of a picture is, and the headers that lead a caller to a job and back', () => {
    const answers = (method: string, path: string): unknown =>
      operations.find((each) => each.method === method && each.path === path)?.operation.responses;
    for (const kind of ['content', 'preview']) {
      const file = answers('get', `/v1/images/jobs/{id}/${kind}/{index}`);
      const content = { 'image/png': {}, 'image/jpeg': {}, 'image/webp': {} };
      expect(file).toMatchObject({ 200: { content }, 206: { content } });
      expect(file).not.toHaveProperty(['304', 'content']);
    }
    expect(answers('get', '/v1/images/jobs/{id}')).toHaveProperty(['200', 'headers', 'retry-after']);
    for (const path of ['/v1/images/generations', '/v1/images/edits', '/v1/images/jobs'])
      for (const name of ['content-location', 'x-image-router-route', 'x-image-router-deadline-left-ms'])
        expect(answers('post', path), path).toHaveProperty(['200', 'headers', name]);
  });

  it.each([
    ['generation', 'GenerationBody'],
    ['edit', 'EditBody'],
  ] as const)('gives examples and defaults of a %s that the gateway accepts', (kind, schema) => {
    const fields = Object.entries(at('components', 'schemas', schema, 'properties')).filter(
      ([name]) => name !== 'images' && name !== 'mask',
    );
    for (const [name, field] of fields) {
      const { examples, ...rest } = isJson(field) ? field : {};
      if (!Array.isArray(examples)) throw new Error(`${name} has no example`);
      const values = 'default' in rest ? [...examples, rest.default] : examples;
      for (const value of values) parseBody({ prompt: 'a fox', [name]: value }, new Headers(), kind);
    }
  });
});

/** Codes written down in the sources: `code: 'x'`, `Refused('x'`, and the tables that hold nothing else. */
function codesInSources(): ReadonlySet<string> {
  const root = new URL('../../../src/gateway', import.meta.url).pathname;
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /^(?!docs|observe).*\.ts$/.test(file));
  const text = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  const patterns = [
    /code: '([a-z]+_[a-z_]+)'/g,
    /uploadRefused\('([a-z_]+)'/g,
    /\[4\d\d, '([a-z_]+)'/g,
    /return '([a-z]+_[a-z_]+_(?:parameter|value))'/g,
  ];
  return new Set(patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, code = '']) => code)));
}

describe('the list of errors', () => {
  const listed = new Map(ERRORS.map(({ code, status }) => [code, status]));

  it('names each code once, in the order of statuses', () => {
    expect(listed.size).toBe(ERRORS.length);
    const statuses = ERRORS.map(({ status }) => status);
    expect([...statuses].sort((a, b) => a - b)).toEqual(statuses);
  });

  it('has every code of the router with its status, but for those no caller of a gateway meets', () => {
    const onWire = { ...ERROR_CODES, moderation_blocked: ERROR_CODES.refused };
    const neverMet = new Set(['refused', 'invalid_config', 'file_unreadable', 'closed']);
    for (const [code, { http }] of Object.entries(onWire)) if (!neverMet.has(code)) expect(listed.get(code), code).toBe(http);
  });

  it('has every code the gateway’s sources can answer with', () => {
    const codes = [...codesInSources()];
    expect(codes.length).toBeGreaterThan(25);
    for (const code of codes) expect(listed.has(code), code).toBe(true);
  });
});
