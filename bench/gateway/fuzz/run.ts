// Sends fuzz cases to a gateway on loopback and says what must not have happened: an answer of 500 or more that is not an
// upstream's, a connection that was neither answered nor closed, an answer that repeats a key.
import { connect } from 'node:net';
import { type FuzzCase, fuzzCase } from './cases.ts';
import { KEY_CANARY } from './values.ts';

export type FuzzOptions = {
  readonly port: number;
  readonly seed: number;
  /** The number of the first case. */
  readonly first: number;
  readonly cases: number;
  readonly connections: number;
  readonly patienceMs: number;
};

export type FuzzReport = {
  /** Answers by status; `closed`: the connection ended without one. */
  readonly statuses: ReadonlyMap<string, number>;
  /** One line for each broken promise. */
  readonly violations: readonly string[];
};

type Reply = { readonly status: number | undefined; readonly text: string; readonly isStuck: boolean };

/** Codes under which an upstream's failure is told. */
const UPSTREAM_CODES = /"code":"(providers_failed|account|deadline_exceeded)"/;

export async function fuzz({ port, seed, first, cases, connections, patienceMs }: FuzzOptions): Promise<FuzzReport> {
  const statuses = new Map<string, number>();
  const violations: string[] = [];
  let next = first;
  const worker = async (): Promise<void> => {
    while (next < first + cases) {
      const number = next;
      next += 1;
      const sent = fuzzCase(seed, number);
      const reply = await send(port, sent, patienceMs);
      const key = reply.status === undefined ? 'closed' : String(reply.status);
      statuses.set(key, (statuses.get(key) ?? 0) + 1);
      const violation = judge(sent, reply);
      if (violation !== undefined) violations.push(`case ${number} (${sent.label}): ${violation}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return { statuses, violations };
}

function judge({ ending }: FuzzCase, { status, text, isStuck }: Reply): string | undefined {
  if (isStuck) return 'neither answered nor closed';
  if (status === undefined) return ending === 'stay' ? 'closed without an answer' : undefined;
  if (text.includes(KEY_CANARY)) return `repeated a key: ${around(text, KEY_CANARY)}`;
  if (status >= 500 && !UPSTREAM_CODES.test(text)) return `answered ${status}: ${text.slice(-300).replaceAll(/\s+/g, ' ')}`;
  return undefined;
}

function around(text: string, word: string): string {
  const at = text.indexOf(word);
  return text.slice(Math.max(0, at - 150), at + 50).replaceAll(/\s+/g, ' ');
}

/** One connection per case, so that one case cannot spoil the next. */
function send(port: number, { bytes, ending }: FuzzCase, patienceMs: number): Promise<Reply> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const received: Buffer[] = [];
    const settle = (isStuck: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(received).toString('latin1');
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(text.replace(/^(HTTP\/1\.1 100 Continue\r\n\r\n)+/, ''))?.[1];
      resolve({ status: status === undefined ? undefined : Number(status), text, isStuck });
    };
    const timer = setTimeout(() => settle(true), patienceMs);
    socket.on('data', (piece) => {
      received.push(piece);
      if (isComplete(Buffer.concat(received).toString('latin1'))) settle(false);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => settle(false));
    socket.write(bytes, () => {
      if (ending === 'shut') socket.end();
      if (ending === 'leave') setImmediate(() => settle(false));
    });
  });
}

/** Whether an answer of known length, a stream included, is here to its end. */
function isComplete(text: string): boolean {
  const answer = text.replace(/^(HTTP\/1\.1 100 Continue\r\n\r\n)+/, '');
  const bodyAt = answer.indexOf('\r\n\r\n');
  if (bodyAt === -1) return false;
  const head = answer.slice(0, bodyAt);
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return answer.endsWith('0\r\n\r\n');
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
  return answer.length - bodyAt - 4 >= length;
}
