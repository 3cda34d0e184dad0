// Who may come in. Each face has its own way to carry a key and its own way to refuse one: 401 at openai, 403 or 400 at
// google, the gateway's error at the aggregator.
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer, Face } from '../call.ts';
import * as aggregator from './aggregator.ts';
import * as google from './google-errors.ts';
import * as openai from './openai-errors.ts';

export type KeyCheck = {
  readonly face: Face;
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly apiKey: string;
};

/** The refusal, or undefined for the right key. */
export function refuseKey(check: KeyCheck): Answer | undefined {
  switch (check.face) {
    case 'openai': {
      const key = bearerOf(check.headers);
      if (key === undefined) return openai.missingKey();
      return key === check.apiKey ? undefined : openai.badKey(key);
    }
    case 'google': {
      const key = googleKeyOf(check);
      if (key === undefined) return google.missingKey();
      return key === check.apiKey ? undefined : google.badKey();
    }
    case 'aggregator': {
      const key = bearerOf(check.headers) ?? googleKeyOf(check);
      return key === check.apiKey ? undefined : aggregator.badToken();
    }
  }
}

function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

function googleKeyOf(check: KeyCheck): string | undefined {
  const header = check.headers['x-goog-api-key'];
  return (typeof header === 'string' && header !== '' ? header : undefined) ?? check.query.get('key') ?? undefined;
}
