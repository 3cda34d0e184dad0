import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../src/gateway/config/settings.ts';
import { docsEndpoints } from '../../../src/gateway/docs/endpoints.ts';
import { openApiDocument, openApiPath } from '../../../src/gateway/docs/openapi.ts';
import { docsPage } from '../../../src/gateway/docs/page.ts';
import { ENDPOINTS } from '../../../src/gateway/http/app.ts';
import { editsEndpoint } from '../../../src/gateway/http/endpoints/edits.ts';
import { GenerationBodySchema } from '../../../src/gateway/http/openai/body.ts';

const served = [...ENDPOINTS, editsEndpoint(() => DEFAULT_SETTINGS)];
const all = [...served, ...docsEndpoints(served, '1.2.3')];
const document = openApiDocument(all, '1.2.3');

function referencesIn(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => (key === '$ref' ? [String(value)] : referencesIn(value)));
}

describe('the OpenAPI document', () => {
  it('describes every endpoint there is, and no other', () => {
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(all.map(({ method, path }) => `${method.toLowerCase()} ${openApiPath(path)}`).sort());
  });

  it('refers only to what it holds', () => {
    for (const reference of referencesIn(document)) {
      const found = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((node, part) => (typeof node === 'object' && node !== null ? Reflect.get(node, part) : undefined), document);
      expect(found, reference).toBeDefined();
    }
  });

  it('is JSON, of version 3.1, with every field of a request described', () => {
    const copy = JSON.parse(JSON.stringify(document));
    expect(copy.openapi).toBe('3.1.0');
    const fields = copy.components.schemas.GenerationBody.properties;
    expect(Object.keys(fields)).toEqual(Object.keys(GenerationBodySchema.shape));
    for (const [name, field] of Object.entries<{ description?: string }>(fields)) expect(field.description, name).toMatch(/\w/);
  });
});

describe('the page at /docs', () => {
  const page = docsPage(document, 'http://127.0.0.1:8787', 'n0nce');

  it('loads nothing from elsewhere and runs nothing', () => {
    expect(page).not.toMatch(/<script|\bsrc=|@import|url\(/);
    expect(page.match(/href="[^"]*"/g)).toEqual(['href="/openapi.json"']);
  });

  it('names every endpoint, every field and every error', () => {
    for (const { path } of all) expect(page).toContain(`<code>${openApiPath(path)}</code>`);
    for (const field of Object.keys(GenerationBodySchema.shape)) expect(page).toContain(`<code>${field}</code>`);
    expect(page).toContain('deadline_exceeded');
  });
});
