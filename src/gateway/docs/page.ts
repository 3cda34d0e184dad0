// /docs: the OpenAPI document as a page for people. Made on the server, nothing is loaded from elsewhere, and the policy of the
// page forbids scripts altogether.
import { html, raw } from 'hono/html';
import { ERROR_CODES } from '../../domain/error.ts';
import type { OpenApiDocument } from './openapi.ts';

const STYLE = `
:root { color-scheme: light dark; --edge: light-dark(#d5d9e0, #3a3f4a); --soft: light-dark(#f4f6f9, #1d2027); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; background: light-dark(#fff, #14161a); color: light-dark(#1b1f27, #e6e8ec); }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2rem }
code, pre { font: 14px/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: 6px }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--edge) }
.method { font-weight: 700; margin-right: .5rem }
`;

type Schema = { readonly properties?: Readonly<Record<string, Field>>; readonly required?: readonly string[] };
type Field = { readonly type?: unknown; readonly enum?: readonly unknown[]; readonly description?: string };

/** `nonce` is for the style: nothing else on the page may have one. */
export function docsPage(document: OpenApiDocument, url: string, nonce: string): string {
  const sections = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => endpointSection(path, method, String(operation.summary ?? ''))),
  );
  const example = `curl -s ${url}/v1/images/generations -H "content-type: application/json" -d '{"model":"auto","prompt":"a red fox asleep in fresh snow"}'`;
  return String(html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>image-router</title>
<style nonce="${nonce}">${raw(STYLE)}</style></head><body>
<h1>image-router gateway</h1>
<p>OpenAI's image API: point a client's base URL at <code>${url}/v1</code>. The same for machines: <a href="/openapi.json">openapi.json</a>.</p>
<pre>${example}</pre>
${sections}
<h2>Fields of a request</h2>
${fieldTable(schemaOf(document, 'GenerationBody'))}
<h2>Errors</h2>
<div class="scroll"><table><tr><th>code</th><th>status</th></tr>
${Object.entries(ERROR_CODES).map(([code, { http }]) => html`<tr><td><code>${code}</code></td><td>${http}</td></tr>`)}
</table></div></body></html>`);
}

function endpointSection(path: string, method: string, summary: string) {
  return html`<h2><span class="method">${method.toUpperCase()}</span><code>${path}</code></h2><p>${summary}.</p>`;
}

function fieldTable({ properties = {}, required = [] }: Schema) {
  const rows = Object.entries(properties).map(
    ([name, field]) =>
      html`<tr><td><code>${name}</code>${required.includes(name) ? ' (required)' : ''}</td><td>${typeText(field)}</td><td>${field.description ?? ''}</td></tr>`,
  );
  return html`<div class="scroll"><table><tr><th>field</th><th>type</th><th>meaning</th></tr>${rows}</table></div>`;
}

function typeText({ type, enum: choices }: Field): string {
  return choices === undefined ? String(type ?? '') : choices.map(String).join(', ');
}

function schemaOf(document: OpenApiDocument, name: string): Schema {
  const { schemas } = document.components;
  const found: unknown = typeof schemas === 'object' && schemas !== null ? Reflect.get(schemas, name) : undefined;
  // Made by openapi.ts from an object schema.
  return found as Schema;
}
