// The rows of a batch as text becomes rows that can be made: each is read and checked as the same generation alone would be, and
// every mistake is told with its line before anything is accepted. What the batch may cost is dealt out here: no row may cost
// more than one plan of it at worst, and where the batch has a cap, each gets the same share of its own worst.
import type { BatchRow } from '../../../domain/batch.ts';
import { isImageRouterError } from '../../../domain/error.ts';
import { addUsd, formatUsd, type MicroUsd } from '../../../domain/money.ts';
import type { Need } from '../../../domain/need.ts';
import type { ImageRequest } from '../../../domain/request.ts';
import type { Route } from '../../../domain/route.ts';
import { nextTurn } from '../../../system/turn.ts';
import type { Principal } from '../../ports.ts';
import type { Gateway } from '../gateway.ts';
import { checkWords } from '../jobs/job-admission.ts';
import { jsonErrorAt } from '../json-position.ts';
import { toRefusal, wireProblem } from '../openai/errors.ts';
import { readOrder } from '../openai/order.ts';
import { Refusal } from '../refusal.ts';

const MOST_ROWS = 10_000;
/** More would scroll the first one away. */
const MOST_PROBLEMS = 20;
/** Rows checked before others get their turn: a few milliseconds. */
const ROWS_A_TURN = 5;
const LONGEST_ID = 100;

/** What is wrong with a row, as it is told of a single request. */
type Mistake = { readonly field: string; readonly rule: string; readonly value?: string | undefined; readonly remedy?: string | undefined };
export type RowProblem = Mistake & { readonly line: number };
export type CheckedRow = Pick<BatchRow, 'row' | 'customId' | 'model' | 'maxCost'> & {
  readonly request: ImageRequest;
  /** See CheckedJob. */
  readonly leastCost: MicroUsd | undefined;
};

type Line = { readonly line: number; readonly text: string };

/** Lines with something in them, by their number in the file. */
function linesOf(text: string): readonly Line[] {
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [{ line: index + 1, text: line }]));
}

/** Throws Refusal naming the first mistakes; nothing is accepted then. */
export async function checkRows(gateway: Gateway, principal: Principal, text: string, lifeMs: number): Promise<readonly CheckedRow[]> {
  const lines = linesOf(text);
  if (lines.length === 0) throw badRows([{ line: 1, field: 'the whole', rule: 'must hold at least one row' }]);
  if (lines.length > MOST_ROWS) {
    throw badRows([{ line: MOST_ROWS + 1, field: 'the whole', rule: `must hold at most ${MOST_ROWS} rows, got ${lines.length}` }]);
  }
  const rows: CheckedRow[] = [];
  const problems: RowProblem[] = [];
  const seen = new Map<string, number>();
  for (const [index, { line, text: row }] of lines.entries()) {
    if (index % ROWS_A_TURN === 0) await nextTurn();
    try {
      rows.push({ row: index + 1, ...checkRow(gateway, principal, row, lifeMs, (id) => claimId(id, line, seen)) });
    } catch (error) {
      problems.push(...mistakesIn(error, gateway).map((mistake) => ({ line, ...mistake })));
      if (problems.length >= MOST_PROBLEMS) break;
    }
  }
  if (problems.length > 0) throw badRows(problems.slice(0, MOST_PROBLEMS));
  return rows;
}

function checkRow(gateway: Gateway, principal: Principal, text: string, lifeMs: number, claim: (id: string) => void) {
  const { custom_id: customId, ...fields } = fieldsOf(parsed(text));
  if (customId !== undefined && (typeof customId !== 'string' || customId === '' || customId.length > LONGEST_ID)) {
    throw new RowError('custom_id', `must be text of 1 to ${LONGEST_ID} characters`);
  }
  if (customId !== undefined && (customId.includes('\u0000') || !customId.isWellFormed())) {
    throw new RowError('custom_id', 'must hold no U+0000 and no half of a surrogate pair, which cannot be kept');
  }
  if (customId !== undefined) claim(customId);
  for (const field of ['images', 'mask']) {
    if (field in fields) throw new RowError(field, 'is not taken in a batch; hand in jobs with pictures one by one');
  }
  if ('latency_budget_ms' in fields) throw new RowError('latency_budget_ms', 'is not taken in a row: give it once, for the whole batch');
  const { request, model } = readOrder(gateway, principal, fields, NO_HEADERS, 'generation', 'job');
  const denial = gateway.gatekeeper.permits(principal, { policy: request.policy, model });
  if (denial !== undefined) throw new RowError(denial.param ?? 'model', denial.message);
  const wanted = { request, model, origin: { kind: 'request' }, lineage: undefined, lifeMs: undefined, capLeft: undefined } as const;
  const { worstCost: maxCost, need, leastCost } = checkWords(gateway, wanted, lifeMs);
  refusePremium(gateway, request, need);
  return { customId, model, maxCost, leastCost, request };
}

const NO_HEADERS = new Headers();

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowError('the whole', `must be a JSON object: it goes wrong at column ${jsonErrorAt(text) + 1}`);
  }
}

/** A generation's fields; or a line of OpenAI's batch files, which has them in `body`. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RowError('the whole', 'must be a JSON object');
  const fields: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(value));
  if (!('body' in fields)) return fields;
  const { custom_id: customId, method, url, body, ...others } = fields;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new RowError(other.slice(0, LONGEST_ID), 'is not a known field beside body');
  if (method !== undefined && method !== 'POST') throw new RowError('method', 'must be POST');
  if (url !== undefined && url !== '/v1/images/generations') throw new RowError('url', 'must be /v1/images/generations');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new RowError('body', 'must be an object');
  return { ...Object.fromEntries(Object.entries(body)), ...(customId === undefined ? {} : { custom_id: customId }) };
}

/** Premium renders take minutes and dollars: each deserves a decision, so a file of thousands makes none. */
function refusePremium({ options }: Gateway, { tier, quality, route, model }: ImageRequest, need: Need): void {
  if (tier === 'premium') throw new RowError('model', NO_PREMIUM);
  if (quality === 'high') throw new RowError('quality', NO_PREMIUM);
  const asked = options().routes.filter((known: Route) => known.id === route || known.model === model);
  const lesser = asked.filter((known) => known.tier !== 'premium');
  if (asked.length > 0 && lesser.length === 0) throw new RowError('model', NO_PREMIUM);
  if (need.tier === 'premium') throw new RowError('model', `${NO_PREMIUM}; without a model, this prompt and policy lead to one`);
}

const NO_PREMIUM = 'must not be premium in a batch: use preview or standard, or low or medium quality';

function claimId(id: string, line: number, seen: Map<string, number>): void {
  const other = seen.get(id);
  if (other !== undefined) throw new RowError('custom_id', `is already used in line ${other}`);
  seen.set(id, line);
}

class RowError extends Error {
  readonly field: string;

  constructor(field: string, rule: string) {
    super(rule);
    this.field = field;
  }
}

/** Rethrows what is the gateway's fault and no row's. */
function mistakesIn(error: unknown, gateway: Gateway): readonly Mistake[] {
  if (error instanceof RowError) return [{ field: error.field, rule: error.message }];
  if (!(error instanceof Refusal) && !isImageRouterError(error)) throw error;
  if (isImageRouterError(error) && error.problems.length > 0) return error.problems.map(wireProblem);
  const { details } = toRefusal(error, gateway);
  if (details.status >= 500) throw error;
  const { param: field = 'the whole', message, remedy } = details;
  // Messages of single requests begin with the field where they name it.
  return [{ field, rule: message.startsWith(`${field} `) ? message.slice(field.length + 1) : message, remedy }];
}

function badRows(problems: readonly RowProblem[]): Refusal {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const message =
    first === undefined ? 'The batch cannot be used.' : `line ${first.line}, ${first.field}: ${first.rule}${got(first)}${more}`;
  return new Refusal({
    status: 400,
    code: 'invalid_batch',
    message,
    param: 'file',
    remedy: 'mend these lines and send the file again: nothing of it was accepted',
    extras: { problems },
  });
}

function got({ value }: Mistake): string {
  return value === undefined ? '' : `, got ${value}`;
}

/**
 * The same share for every row, so that all of them together cost at most `cap`. Throws Refusal 422 where a row's share is too
 * little to make it.
 */
export function dealOut(rows: readonly CheckedRow[], cap: MicroUsd | undefined): readonly CheckedRow[] {
  const worst = totalOf(rows);
  if (cap === undefined || worst <= cap) return rows;
  return rows.map((row) => {
    const maxCost = Math.floor((row.maxCost * cap) / worst) as MicroUsd;
    if (maxCost < (row.leastCost ?? 0)) throw tooLittle(row.row, maxCost, worst);
    return { ...row, maxCost };
  });
}

export function totalOf(rows: readonly CheckedRow[]): MicroUsd {
  return addUsd(...rows.map(({ maxCost }) => maxCost));
}

function tooLittle(row: number, share: MicroUsd, worst: MicroUsd): Refusal {
  return new Refusal({
    status: 422,
    code: 'price_cap_reached',
    message: `max_cost_usd leaves ${formatUsd(share)} for row ${row}, which no route can make for that.`,
    param: 'max_cost_usd',
    remedy: `send fewer rows, or allow up to ${formatUsd(worst)}, which is what all of them cost at worst`,
  });
}
