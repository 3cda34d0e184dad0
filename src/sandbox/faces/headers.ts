// The headers each face adds to every answer (field reports). Times in them are world time, because the router
// reads them as such.
import type { Face } from '../call.ts';
import type { Taking } from '../model/bucket.ts';

export type HeaderContext = {
  readonly face: Face;
  readonly requestId: string;
  /** World milliseconds from arrival to now. */
  readonly elapsedMs: number;
  readonly limit: number | undefined;
  readonly taking: Taking | undefined;
};

export function faceHeaders(context: HeaderContext): Readonly<Record<string, string>> {
  switch (context.face) {
    case 'openai':
      return {
        'x-request-id': context.requestId,
        'openai-processing-ms': String(Math.round(context.elapsedMs)),
        'openai-organization': 'org-sandbox',
        'openai-version': '2020-10-01',
        'cf-ray': `${context.requestId.slice(4, 20)}-SIM`,
        'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
        server: 'cloudflare',
        ...limitHeaders(context),
      };
    case 'google':
      return {
        server: 'scaffolding on HTTPServer2',
        'server-timing': `gfet4t7; dur=${Math.round(context.elapsedMs)}`,
        vary: 'Origin, X-Origin, Referer',
        'x-content-type-options': 'nosniff',
      };
    case 'aggregator':
      return { 'x-oneapi-request-id': context.requestId };
  }
}

function limitHeaders({ limit, taking }: HeaderContext): Readonly<Record<string, string>> {
  if (limit === undefined || taking === undefined || !Number.isFinite(limit)) return {};
  return {
    'x-ratelimit-limit-requests': String(limit),
    'x-ratelimit-remaining-requests': String(taking.remaining),
    'x-ratelimit-reset-requests': resetText(taking.resetMs),
  };
}

/** `850ms`, `12s`, `6m0s`. */
function resetText(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)}ms`;
  const seconds = Math.ceil(milliseconds / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
