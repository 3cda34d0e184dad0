// One fuzz case: the bytes that go over a socket, and how the sender behaves. A case is a function of seed and number, so
// any of ten thousand can be sent again alone.
import { seededRandom } from '../../../src/system/random.ts';
import { formPayload, jsonPayload, type Payload } from './bodies.ts';
import { type Draw, drawFrom } from './draw.ts';
import { CANARY, KEY_CANARY, text } from './values.ts';

export type FuzzCase = {
  readonly number: number;
  /** What was sent, in a few words: `POST /v1/images/edits form`. */
  readonly label: string;
  readonly bytes: Buffer;
  /** stay: waits for the answer. shut: ends its side after the last byte. leave: breaks the connection. */
  readonly ending: 'stay' | 'shut' | 'leave';
};

const EDITS = '/v1/images/edits';
const JOBS = '/v1/images/jobs';
/** A job that is there, with a picture. */
export const KNOWN_JOB = `job_${'0'.repeat(32)}`;
const POSTS = ['/v1/images/generations', EDITS, '/v1/images/explain', JOBS, JOBS] as const;
const SMALL_POSTS = [
  `${JOBS}/${KNOWN_JOB}/finalize`,
  `${JOBS}/${KNOWN_JOB}/upgrade`,
  `${JOBS}/${KNOWN_JOB}/cancel`,
  `${JOBS}/x/finalize`,
  '/v1/images/batches/x/cancel',
  '/v1/webhooks',
  '/v1/webhooks/x',
] as const;
const BATCHES = '/v1/images/batches';
const GETS = [
  JOBS,
  `${JOBS}/${KNOWN_JOB}`,
  `${JOBS}/${KNOWN_JOB}/events`,
  `${JOBS}/${KNOWN_JOB}/content/0`,
  `${JOBS}/${KNOWN_JOB}/content/9`,
  `${JOBS}/${KNOWN_JOB}/preview/-1`,
  `${JOBS}/x/events`,
  BATCHES,
  `${BATCHES}/x/results`,
  '/v1/webhooks',
  '/v1/webhooks/x/deliveries',
  '/v1/models',
  '/v1/models/gpt-image-2',
  '/v1/routes',
  '/v1/traces/x',
  '/metrics',
  '/livez',
  '/readyz',
  '/openapi.json',
  '/docs',
  '/',
] as const;
const ODD_PATHS = [
  '/v1/images/generations/',
  '//v1/models',
  '/v1/../v1/models',
  '/v1/models/%00',
  '/v1/models/%ff',
  '/v1/traces/..%2f..',
  '/v1/%',
  '*',
  '/v1/models/',
] as const;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT', 'FOO', 'get'] as const;

export function fuzzCase(seed: number, number: number): FuzzCase {
  const draw = drawFrom(seededRandom(`${seed}:${number}`));
  const kind = draw.below(100);
  if (kind < 30) return postJson(draw, number);
  if (kind < 34) return post(draw, number, draw.pick(SMALL_POSTS), 'small', smallPayload(draw));
  if (kind < 38) return post(draw, number, BATCHES, 'lines', linesPayload(draw));
  if (kind < 70)
    return post(draw, number, draw.chance(0.93) ? draw.pick([EDITS, EDITS, JOBS, BATCHES]) : draw.pick(POSTS), 'form', formPayload(draw));
  if (kind < 85) return get(draw, number);
  if (kind < 93) return head(draw, number);
  return raw(draw, number);
}

function postJson(draw: Draw, number: number): FuzzCase {
  const path = draw.pick(POSTS);
  return post(draw, number, path, 'json', jsonPayload(draw, (path === EDITS) !== draw.chance(0.05)));
}

/** Bodies of a field or two, right or wrong, or none. */
function smallPayload(draw: Draw): Payload {
  const value = draw.pick([0, -1, 1e9, true, '0', null, [], {}, CANARY, 'http://127.0.0.1:1/', 'https://example.com/hook']);
  const name = draw.pick(['preview', 'use_as_reference', 'max_cost_usd', 'url', 'events', 'enabled', '__proto__', 'x']);
  const text = draw.pick(['', '{', '[]', JSON.stringify({ [name]: value })]);
  return { type: draw.pick(['application/json', 'application/json', 'text/plain', '']), bytes: Buffer.from(text) };
}

/** Rows of a batch: a few good or bad generations, whole or broken in the middle of a line. */
function linesPayload(draw: Draw): Payload {
  const row = (): Buffer => draw.pick([jsonPayload(draw, draw.chance(0.1)).bytes, Buffer.from('{"prompt":"a fox","model":"preview"}')]);
  const rows = Array.from({ length: draw.pick([0, 1, 2, 5, 40]) }, () => [row(), Buffer.from(draw.pick(['\n', '\n', '\r\n', '\n\n']))]);
  return {
    type: draw.pick(['application/jsonl', 'application/jsonl', 'application/x-ndjson', 'text/plain']),
    bytes: Buffer.concat(rows.flat()),
  };
}

function post(draw: Draw, number: number, path: string, name: string, payload: Payload): FuzzCase {
  const isChunked = draw.chance(0.3);
  const length = draw.chance(0.03) ? draw.pick([0, 1, payload.bytes.length + 10, 10 ** 9]) : payload.bytes.length;
  const framing = isChunked ? 'transfer-encoding: chunked' : `content-length: ${length}`;
  const type = payload.type === '' ? [] : [`content-type: ${payload.type}`];
  const content = isChunked ? chunked(draw, payload.bytes) : payload.bytes;
  const bytes = Buffer.concat([requestHead('POST', `${path}${query(draw)}`, [framing, ...type, ...headers(draw)]), content]);
  const promised = isChunked ? content.length : length;
  const isShort = promised > content.length || payload.bytes.length < length;
  return cutAtRandom(draw, { number, label: `POST ${path} ${name}`, bytes, ending: isShort ? 'shut' : 'stay' });
}

function get(draw: Draw, number: number): FuzzCase {
  const path = draw.chance(0.7) ? draw.pick(GETS) : `/v1/traces/${encodeURIComponent(text(draw).toWellFormed()).slice(0, 300)}`;
  return { number, label: `GET ${path}`, bytes: requestHead('GET', `${path}${query(draw)}`, headers(draw)), ending: 'stay' };
}

/** Wrong methods, odd paths, many and large headers. */
function head(draw: Draw, number: number): FuzzCase {
  const method = draw.pick(METHODS);
  const path = draw.pick([...ODD_PATHS, ...GETS, ...POSTS]);
  const many = Array.from(
    { length: draw.pick([0, 0, 5, 90, 300]) },
    (_, index) =>
      `x-fuzz-${index}: ${text(draw)
        .replace(/[\r\n]/g, '')
        .slice(0, 200)}`,
  );
  const large = draw.chance(0.1) ? [`x-large: ${'a'.repeat(draw.pick([8_000, 20_000, 100_000]))}`] : [];
  return { number, label: `${method} ${path}`, bytes: requestHead(method, path, [...headers(draw), ...many, ...large]), ending: 'shut' };
}

/** What is hardly HTTP. */
function raw(draw: Draw, number: number): FuzzCase {
  const valid = requestHead('POST', '/v1/images/generations', ['content-type: application/json', 'content-length: 2']);
  const bytes = draw.pick([
    draw.bytes(1 + draw.below(400)),
    Buffer.from('GET / HTTP/9.9\r\n\r\n'),
    Buffer.from('GET /livez HTTP/1.1\r\n\r\n'),
    Buffer.from('\r\n\r\n\r\n'),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.from('POST /v1/images/edits HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n'),
    Buffer.from(
      'POST /v1/images/edits HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n',
    ),
    Buffer.concat([valid, Buffer.from('{}'), valid, Buffer.from('{}')]),
    valid.subarray(0, draw.below(valid.length)),
  ]);
  return { number, label: 'raw bytes', bytes, ending: draw.pick(['shut', 'leave']) };
}

function requestHead(method: string, path: string, lines: readonly string[]): Buffer {
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
}

const HEADERS = [
  () => `authorization: Bearer ir_${KEY_CANARY}`,
  () => 'authorization: Bearer ',
  () => `authorization: Basic ${KEY_CANARY}`,
  () => `x-api-key: ${KEY_CANARY}`,
  (draw: Draw) => `idempotency-key: ${draw.pick(['a', 'a', 'b', 'x'.repeat(255), 'x'.repeat(256), '', 'é', CANARY])}`,
  (draw: Draw) => `x-latency-budget-ms: ${draw.pick(['6000', '-1', 'soon', '1e9', ''])}`,
  (draw: Draw) => `x-max-cost-usd: ${draw.pick(['0.01', '0', 'NaN', '1e308'])}`,
  (draw: Draw) => `x-text-accuracy: ${draw.pick(['exact', 'none', 'x'])}`,
  (draw: Draw) => `x-policy: ${draw.pick(['chat', 'batch', '__proto__', 'none'])}`,
  (draw: Draw) => `x-preview: ${draw.pick(['true', '1', 'maybe'])}`,
  (draw: Draw) => `x-stainless-retry-count: ${draw.pick(['0', '1', '2', '-1', 'x'])}`,
  (draw: Draw) => `expect: ${draw.pick(['100-continue', 'nothing'])}`,
  (draw: Draw) => `content-encoding: ${draw.pick(['gzip', 'identity', 'br'])}`,
  () => 'connection: close',
  () => 'connection: upgrade\r\nupgrade: websocket',
  (draw: Draw) => `range: bytes=${draw.pick(['0-1', '-1', '5-', '9-1', '0-0,2-3', '999999999-', 'x'])}`,
  (draw: Draw) => `last-event-id: ${draw.pick(['0', '1', '-1', 'x', '99999999999999999999'])}`,
  (draw: Draw) => `prefer: ${draw.pick(['respond-async', 'wait=1', 'respond-async, wait=99999999999', '"', CANARY])}`,
  (draw: Draw) => `x-on-late: ${draw.pick(['job', 'degrade', 'x'])}`,
  () => 'accept: text/event-stream',
  () => 'origin: https://evil.example',
  () => 'x-forwarded-for: 10.0.0.1',
  () => 'content-type: application/json',
] as const;

function headers(draw: Draw): readonly string[] {
  return Array.from({ length: draw.pick([0, 0, 0, 1, 2, 4]) }, () => draw.pick(HEADERS)(draw));
}

function query(draw: Draw): string {
  return draw.chance(0.2)
    ? `?${draw.pick(['api-version=1', 'limit=1', 'limit=-1', 'after=x', 'status=queued,done', 'signature=x&expires=1', 'concurrency=2', 'max_cost_usd=x', 'a=b&a=c', '%', `key=${KEY_CANARY}`, '='.repeat(500)])}`
    : '';
}

function chunked(draw: Draw, bytes: Buffer): Buffer {
  const size = draw.pick([1, 7, 100, 65_536]);
  const pieces: Buffer[] = [];
  // Single bytes only where that stays small.
  const length = bytes.length > 5_000 ? 65_536 : size;
  for (let at = 0; at < bytes.length; at += length) {
    const piece = bytes.subarray(at, at + length);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
}

function cutAtRandom(draw: Draw, whole: FuzzCase): FuzzCase {
  if (!draw.chance(0.1)) return draw.chance(0.05) ? { ...whole, ending: 'leave' } : whole;
  return { ...whole, bytes: whole.bytes.subarray(0, draw.below(whole.bytes.length)), ending: draw.pick(['shut', 'leave']) };
}
