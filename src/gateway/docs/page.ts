// /docs: the OpenAPI document as a page for people. Made on the server, nothing is loaded from elsewhere, and the policy of the
// page forbids scripts altogether. Each schema is shown once, where it is first met, and linked to from then on.
import { html, raw } from 'hono/html';
import { fallbackOf } from './body-schemas.ts';
import { ERRORS } from './error-list.ts';
import { isJson, type Json } from './json-schema.ts';
import { type OpenApiDocument, resolveSchema } from './openapi.ts';
import { STYLE } from './page-style.ts';
import { type FieldRow, rowsOf } from './schema-rows.ts';

type Html = ReturnType<typeof html>;
type Operation = { readonly path: string; readonly method: string; readonly operation: Json };

/** `origin`: `http://127.0.0.1:8787`. `nonce` is for the style: nothing else on the page may have one. */
export function docsPage(document: OpenApiDocument, origin: string, nonce: string): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => ({ path, method: method.toUpperCase(), operation })),
  );
  const shown = new Map<string, string>();
  return String(html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>image-router gateway</title>
<style nonce="${nonce}">${raw(STYLE)}</style></head><body>
<h1>image-router gateway</h1>
<p>OpenAI's image API over a router that keeps deadlines and price caps. Point a client's base URL at <code>${origin}/v1</code>. For machines:
<a href="/openapi.json">openapi.json</a>.</p>
<p>Where keys are required, add <code>-H "authorization: Bearer ir_..."</code> to the lines below.</p>
<nav><ul>${operations.map(navItem)}<li><a href="#errors">Errors</a></li></ul></nav>
<main>${operations.map((operation) => section(document, operation, origin, shown))}
<h2 id="errors">Errors</h2>
<p>The shape is OpenAI's: <code>{"error":{"message","type","param","code"}}</code>, with the true status. Official clients see their own classes.</p>
${table(['code', 'status', 'meaning'], errorRows())}
</main></body></html>`);
}

function navItem({ path, method, operation }: Operation): Html {
  return html`<li><a href="#${anchorOf(operation)}"><span class="method">${method}</span><code>${path}</code></a> <span>${operation.summary}</span></li>`;
}

function anchorOf({ operationId }: Json): string {
  return String(operationId);
}

function section(document: OpenApiDocument, { path, method, operation }: Operation, origin: string, shown: Map<string, string>): Html {
  const scope = operation['x-scope'];
  const example = String(operation['x-example']).replace('curl -s /', `curl -s ${origin}/`);
  const body = isJson(operation.requestBody) ? operation.requestBody : {};
  return html`<h2 id="${anchorOf(operation)}"><span class="method">${method}</span> <code>${path}</code></h2>
<p>${operation.summary}. ${operation.description}</p>
<p class="quiet">${scope === undefined ? 'Open to all.' : html`For keys of scope <code>${scope}</code>.`}</p>
<pre>${example}</pre>
${contents(document, body, 'Body', shown)}
${parameterTable('Query', 'query', operation.parameters)}
${parameterTable('Headers', 'header', operation.parameters)}
${answerOf(document, operation, shown)}`;
}

function answerOf(document: OpenApiDocument, { responses }: Json, shown: Map<string, string>): Html {
  const all = isJson(responses) ? responses : {};
  const [done, later] = [all['200'], all['202']].map((answer) => (isJson(answer) ? answer : {}));
  const statuses = Object.keys(all).filter((status) => Number(status) >= 400);
  return html`${contents(document, done ?? {}, 'Answer', shown)}${contents(document, later ?? {}, 'Accepted for later', shown)}<p class="quiet">Errors: ${statuses.join(', ')}, <a href="#errors">explained below</a>.</p>`;
}

/** One table for each content type. */
function contents(document: OpenApiDocument, { content }: Json, title: string, shown: Map<string, string>): readonly Html[] {
  if (!isJson(content)) return [];
  return Object.entries(content).map(([type, media]) => {
    const heading = html`<h3>${title}, <code>${type}</code></h3>`;
    const reference = isJson(media) && isJson(media.schema) ? String(media.schema.$ref) : undefined;
    return reference === undefined ? heading : html`${heading}${schemaTable(document, reference, shown)}`;
  });
}

/** Deeper than this a table explains nothing. */
const DEEPEST = 3;
/** What an event holds of an answer was told with the answer. */
const EVENT_DEPTH = 1;

function schemaTable(document: OpenApiDocument, reference: string, shown: Map<string, string>): Html {
  const name = reference.slice(reference.lastIndexOf('/') + 1);
  const place = `schema-${name}`;
  if (shown.has(name)) return html`<p><a href="#${place}">As above</a>.</p>`;
  shown.set(name, place);
  const schema = resolveSchema(document, { $ref: reference });
  const rows = rowsOf(document, schema, name.endsWith('Event') ? EVENT_DEPTH : DEEPEST);
  const isBody = name === 'GenerationBody' || name === 'JobBody' || name === 'BatchRow' || name.startsWith('Edit');
  const isNew = ({ name: field }: FieldRow): boolean => name === 'GenerationBody' || fallbackOf(field) === '';
  const about = schema.description === undefined ? '' : html`<p>${schema.description}</p>`;
  if (!isBody || name === 'EditEvent')
    return html`<div id="${place}">${about}${table(['field', 'type', 'meaning'], rows.map(answerRow))}</div>`;
  const rest = name === 'GenerationBody' ? '' : html`<p>And <a href="#schema-GenerationBody">the fields of a generation</a>.</p>`;
  const fields = rows.filter((row) => isNew(row) || row.name === 'input_fidelity');
  return html`<div id="${place}">${table(['field', 'type', 'default', 'meaning'], fields.map(bodyRow))}${rest}</div>`;
}

function answerRow({ name, type, meaning }: FieldRow): readonly unknown[] {
  return [html`<code>${name}</code>`, type, meaning];
}

function bodyRow({ name, type, meaning, isRequired }: FieldRow): readonly unknown[] {
  return [html`<code>${name}</code>`, type, isRequired ? 'required' : fallbackOf(name), meaning];
}

function parameterTable(title: string, place: 'query' | 'header', parameters: unknown): Html | '' {
  const all: readonly unknown[] = Array.isArray(parameters) ? parameters : [];
  const rows = all.filter(isJson).filter((parameter) => parameter.in === place);
  if (rows.length === 0) return '';
  const cells = rows.map(({ name, description }): readonly unknown[] => [html`<code>${name}</code>`, description]);
  return html`<h3>${title}</h3>${table([place === 'query' ? 'parameter' : 'header', 'meaning'], cells)}`;
}

function errorRows(): readonly (readonly unknown[])[] {
  return ERRORS.map(({ code, status, meaning }) => [html`<code>${code}</code>`, status, meaning]);
}

/** On narrow screens the titles stand before the cells, so each cell but the first knows its own. */
function table(titles: readonly string[], rows: readonly (readonly unknown[])[]): Html {
  const cell = (content: unknown, index: number): Html => {
    const title = titles[index];
    return index === 0 || title === 'meaning' ? html`<td>${content}</td>` : html`<td data-title="${title}">${content}</td>`;
  };
  const body = rows.map((cells) => html`<tr>${cells.map(cell)}</tr>`);
  return html`<table><thead><tr>${titles.map((title) => html`<th>${title}</th>`)}</tr></thead><tbody>${body}</tbody></table>`;
}
