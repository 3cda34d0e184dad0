// The batches of a gateway, as the command line uses them. What the gateway refuses is told as the mistake it is; what keeps it
// from answering (a restart, a network) is waited out for a while, because the batch goes on there all the same.
import { z } from 'zod';
import type { Problem } from '../../domain/error.ts';
import { problemsError } from '../../domain/problem.ts';
import { IMAGE_FORMATS } from '../../domain/vocabulary.ts';
import { pause } from '../../jobs/patience.ts';
import type { Clock } from '../../system/clock.ts';

const cost = z.object({ billed: z.number(), possibly_billed: z.number() });
const BatchSchema = z.object({ id: z.string(), status: z.enum(['running', 'cancelling', 'completed', 'cancelled']) });
export type RemoteBatch = z.output<typeof BatchSchema>;

const ResultSchema = z.object({
  row: z.number(),
  custom_id: z.string().nullable(),
  status: z.enum(['completed', 'failed', 'cancelled', 'expired']),
  started_at: z.number().nullable(),
  ended_at: z.number().nullable(),
  images: z.array(z.object({ url: z.string(), route: z.string(), output_format: z.enum(IMAGE_FORMATS) })),
  degraded: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  cost_usd: cost,
});
export type RemoteResult = z.output<typeof ResultSchema>;

/** `line`: of the file, where it is about a row. */
const ProblemSchema = z.object({
  line: z.number().optional(),
  field: z.string(),
  rule: z.string(),
  value: z.string().optional(),
  remedy: z.string().optional(),
});

const ErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    code: z.string().nullable(),
    remedy: z.string().optional(),
    problems: z.array(ProblemSchema).optional(),
  }),
});

export type GatewayClient = {
  /** The same `key` and rows are the same batch. `lineOf`: which line of the jobs file a row is. */
  submit(rows: readonly string[], about: SubmitOptions, lineOf: (row: number) => number): Promise<RemoteBatch>;
  /** Undefined: there is none any more. */
  find(id: string): Promise<RemoteBatch | undefined>;
  results(id: string): Promise<readonly RemoteResult[]>;
  picture(url: string): Promise<Uint8Array>;
};

export type SubmitOptions = { readonly key: string; readonly concurrency: number; readonly maxCostUsd: number | undefined };

/** Real milliseconds: five minutes of a gateway that is away, asked more and more seldom. */
const PAUSES_MS = [500, 1_000, 2_000, 5_000, 10_000, ...Array.from({ length: 14 }, () => 20_000)];
const NOT_NOW = new Set([429, 502, 503, 504]);

/** `url`: of the gateway, with or without /v1. `apiKey`: undefined where none is needed. */
export function gatewayClient(url: string, apiKey: string | undefined, clock: Clock, signal: AbortSignal): GatewayClient {
  const base = baseOf(url);
  const authorization: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const ask = async (target: string | URL, init: RequestInit = {}): Promise<Response> => {
    for (const pauseMs of [...PAUSES_MS, undefined]) {
      const answer = await fetch(target, { ...init, signal, headers: { ...authorization, ...init.headers } }).catch(
        (error: unknown) => error,
      );
      if (answer instanceof Response && !NOT_NOW.has(answer.status)) return answer;
      if (signal.aborted) throw answer;
      if (pauseMs === undefined) throw unreachable(url, answer);
      await pause(clock, pauseMs, signal);
    }
    throw new Error('invariant: the last pause throws');
  };
  return {
    submit: async (rows, { key, concurrency, maxCostUsd }, lineOf) => {
      const target = new URL('images/batches', base);
      target.searchParams.set('concurrency', String(concurrency));
      if (maxCostUsd !== undefined) target.searchParams.set('max_cost_usd', String(maxCostUsd));
      const headers = { 'content-type': 'application/jsonl', 'idempotency-key': key };
      return BatchSchema.parse(await jsonOf(await ask(target, { method: 'POST', headers, body: rows.join('\n') }), lineOf));
    },
    find: async (id) => {
      const answer = await ask(new URL(`images/batches/${id}`, base));
      if (answer.status === 404) return undefined;
      return BatchSchema.parse(await jsonOf(answer, (row) => row));
    },
    results: async (id) => {
      const answer = await ask(new URL(`images/batches/${id}/results`, base));
      if (!answer.ok) await jsonOf(answer, (row) => row);
      const lines = (await answer.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => ResultSchema.parse(JSON.parse(line)));
    },
    picture: async (link) => {
      // Links of a gateway behind a proxy may name another host than the one that was asked.
      const { pathname, search } = new URL(link);
      const answer = await ask(new URL(`${pathname}${search}`, base));
      if (!answer.ok) await jsonOf(answer, (row) => row);
      return new Uint8Array(await answer.arrayBuffer());
    },
  };
}

function baseOf(url: string): URL {
  const remedy = "give the gateway's URL, such as http://127.0.0.1:8787";
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw gatewayError([{ field: 'gateway', rule: 'must be an http or https URL', value: JSON.stringify(url), remedy }]);
  }
  const { origin } = new URL(url);
  return new URL('/v1/', origin);
}

/** Throws `invalid_request` for what the gateway refuses. */
async function jsonOf(answer: Response, lineOf: (row: number) => number): Promise<unknown> {
  const text = await answer.text();
  const value = parsed(text);
  if (answer.ok) return value;
  const known = ErrorSchema.safeParse(value).data?.error;
  if (known === undefined)
    throw gatewayError([{ field: 'gateway', rule: `answered ${answer.status}`, value: undefined, remedy: undefined }]);
  const { message, remedy, problems = [] } = known;
  const lines = problems.flatMap(({ line, field, rule, value, remedy: help }) =>
    line === undefined ? [] : [{ field: `line ${lineOf(line)}, ${field}`, rule, value, remedy: help }],
  );
  throw gatewayError(
    lines.length > 0 ? lines : [{ field: 'gateway', rule: `refuses: ${message}`, value: undefined, remedy: helpFor(answer, remedy) }],
  );
}

function helpFor({ status }: Response, remedy: string | undefined): string | undefined {
  return status === 401 ? 'set IMAGE_ROUTER_KEY to a key of the gateway' : remedy;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(url: string, last: unknown): Error {
  const reason = last instanceof Response ? `it answers ${last.status}` : 'nothing answers there';
  const remedy = 'run the same command again when it is back: the batch goes on at the gateway';
  return gatewayError([{ field: 'gateway', rule: `must be reachable (${reason})`, value: JSON.stringify(url), remedy }]);
}

function gatewayError(problems: readonly Problem[]): Error {
  return problemsError('invalid_request', 'request', problems);
}
