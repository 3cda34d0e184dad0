// A generation that is not streamed, the call a router makes most: JSON there, JSON back. The SDK builds the request once,
// when the endpoint is opened, and each call then differs in its body alone; for every single one the SDK would make four
// sets of headers, three abort signals with their listeners and two timers, which took as long as planning the request.
// Errors are read as the SDK reads them, by its own class.
import type { Generation } from './openai-request.ts';
import { isOwnHeader, type Wire } from './wire.ts';
import type { WholeAnswer } from './wire-response.ts';

/** The parts of the SDK that are needed. */
type Builder = {
  buildRequest(options: { method: 'post'; path: string; body: object }): Promise<{ req: { headers: Headers }; url: string }>;
};
type MakeError = (status: number, body: object | undefined, message: string | undefined, headers: Headers) => Error;

/** `data`: what came under a status of success, whatever it is. */
export type Posted = WholeAnswer & { readonly data: unknown };
/** Rejects with an APIError for any other status, with a SyntaxError for JSON that is none, and as the wire does. */
export type Post = (body: Generation, signal: AbortSignal) => Promise<Posted>;

export async function openPost(client: Builder, wire: Wire, makeError: MakeError): Promise<Post> {
  const { req, url } = await client.buildRequest({ method: 'post', path: '/images/generations', body: {} });
  const target = new URL(url);
  const headers = Object.fromEntries([...req.headers].filter(([name]) => isOwnHeader(name)));
  const read = (answer: WholeAnswer): Posted => {
    if (answer.status < 200 || answer.status > 299) throw errorIn(answer, makeError);
    return { ...answer, data: dataIn(answer) };
  };
  return (body, signal) => wire.post(target, { method: 'POST', headers, body: JSON.stringify(body) }, signal).then(read);
}

/** As the SDK does: only what calls itself JSON is parsed, and an empty text is nothing. */
function dataIn({ headers, json: { text } }: WholeAnswer): unknown {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!type.includes('application/json') && !type.endsWith('+json')) return text;
  return text === '' ? undefined : JSON.parse(text);
}

function errorIn({ status, headers, json: { text } }: WholeAnswer, makeError: MakeError): Error {
  const told = jsonIn(text);
  const lines = headers.lines.map(([name, value]): [string, string] => [name, value]);
  const message = told ? undefined : text;
  return makeError(status, typeof told === 'object' && told !== null ? shapedAsError(told) : undefined, message, new Headers(lines));
}

/** Where nothing is called `error`, all of it is. */
function shapedAsError(told: object): object {
  return 'error' in told && told.error !== null && told.error !== undefined ? told : { error: told };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
