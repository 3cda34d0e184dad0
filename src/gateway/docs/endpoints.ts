// Where the gateway describes itself: /openapi.json for machines, /docs for people. Open to all: nothing in them is a secret.
import { randomUUID } from 'node:crypto';
import { utf8 } from '../http/answer.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { sendAnswer, sendJson } from '../http/send.ts';
import { openApiDocument } from './openapi.ts';
import { docsPage } from './page.ts';

/** `others`: every endpoint beside these two. */
export function docsEndpoints(others: readonly Endpoint[], version: string): readonly Endpoint[] {
  const openapi: Endpoint = {
    method: 'GET',
    path: '/openapi.json',
    scope: undefined,
    summary: 'Describe the endpoints to machines',
    handle: (call) => sendJson(call, 200, document),
  };
  const page: Endpoint = {
    method: 'GET',
    path: '/docs',
    scope: undefined,
    summary: 'Describe the endpoints to people',
    handle: (call) => {
      const nonce = randomUUID();
      const headers = {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      };
      const { origin } = new URL(call.request.url);
      return sendAnswer(call, { status: 200, headers, body: [utf8(docsPage(document, origin, nonce))], facts: {} });
    },
  };
  const document = openApiDocument([...others, openapi, page], version);
  return [openapi, page];
}
