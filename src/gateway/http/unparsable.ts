// What never becomes a request: headers that are no HTTP, too large or too slow, and targets that make no URL. It is answered in the
// same shape as everything else.
import type { Duplex } from 'node:stream';
import type { Ids } from '../../system/ids.ts';
import { replyHeaders } from './call.ts';
import type { HttpLimits } from './parts.ts';
import { oneProblem } from './refusal.ts';

type Unparsable = { readonly status: keyof typeof PHRASES; readonly code: string; readonly message: string; readonly extras?: object };
const PHRASES = { 400: 'Bad Request', 408: 'Request Timeout', 413: 'Payload Too Large', 431: 'Request Header Fields Too Large' } as const;

function unparsable(code: string | undefined, { headerBytes }: HttpLimits): Unparsable {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'request_timeout', message: 'The request did not arrive in time.' };
    case 'HPE_HEADER_OVERFLOW': {
      const rule = `must be at most ${headerBytes} bytes together`;
      return { status: 431, code: 'headers_too_large', message: `The headers ${rule}.`, extras: oneProblem('headers', rule) };
    }
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW': {
      const extras = oneProblem('body', 'must have shorter chunk extensions, or none');
      return { status: 413, code: 'request_too_large', message: 'The chunk extensions are too large.', extras };
    }
    default:
      return { status: 400, code: 'malformed_request', message: 'This is not HTTP.' };
  }
}

export function answerUnparsable(error: NodeJS.ErrnoException, socket: Duplex, limits: HttpLimits, ids: Ids): void {
  const { code } = error;
  // Nobody is there to be told, or an answer is on its way already and must not be mixed with another.
  if (code === 'ECONNRESET' || !socket.writable || hasBegun(socket)) return void socket.destroy();
  const known = unparsable(code, limits);
  const body = errorBody(known);
  const headers = { ...headersFor(ids), 'content-length': Buffer.byteLength(body), connection: 'close' };
  const head = [
    `HTTP/1.1 ${known.status} ${PHRASES[known.status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** node keeps the response of a connection on its socket. */
function hasBegun(socket: Duplex): boolean {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  return typeof response === 'object' && response !== null && Reflect.get(response, 'headersSent') === true;
}

/** A target or host that is no URL. */
export function unreadableRequest(ids: Ids): Response {
  const body = errorBody({ code: 'malformed_request', message: 'The request names no path and host that make a URL.' });
  return new Response(body, { status: 400, headers: headersFor(ids) });
}

function headersFor(ids: Ids): Readonly<Record<string, string>> {
  return { ...replyHeaders(ids.next('req')), 'content-type': 'application/json' };
}

function errorBody({ code, message, extras }: Pick<Unparsable, 'code' | 'message' | 'extras'>): string {
  return JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code, ...extras } });
}
