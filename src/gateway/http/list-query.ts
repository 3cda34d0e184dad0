// What a list may be asked: how many, after which, and filters. Lists are newest first; a cursor names the last entry of the
// page before and nothing else, so a page stays right while new entries come.
import type { Call } from './call.ts';
import { isKeptId } from './kept-id.ts';
import { Refusal } from './refusal.ts';
import { unknownParameter } from './unknown-parameter.ts';

export type Cursor = { readonly createdAt: number; readonly id: string };

const USUAL_LIMIT = 20;
const MOST_LIMIT = 100;
/** Sent by clients for other servers; means nothing here. */
const IGNORED = new Set(['api-version']);

/** Throws Refusal for a name that is not one of `names`, or is there twice: a filter must not be ignored, misspelt or not. */
export function readQuery(call: Call, names: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, value] of call.query) {
    if (IGNORED.has(name)) continue;
    if (!names.includes(name)) throw unknownParameter(name, names);
    if (Object.hasOwn(found, name)) throw badQuery(name, `${name} must be given once in a query.`);
    found[name] = value;
  }
  return found;
}

export function readLimit(text: string | undefined): number {
  if (text === undefined) return USUAL_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST_LIMIT) return limit;
  throw badQuery('limit', `limit must be a whole number from 1 to ${MOST_LIMIT}.`);
}

/** Throws Refusal for a text that is no id of anything. */
export function readId(name: string, text: string | undefined): string | undefined {
  if (text === undefined || isKeptId(text)) return text;
  throw badQuery(name, `${name} must be an id as it is in a reply: letters, digits and _.`);
}

function cursorOf({ createdAt, id }: Cursor): string {
  return Buffer.from(`${createdAt} ${id}`).toString('base64url');
}

export function readCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const [, createdAt, id] = /^(\d{1,16}) (.+)$/.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  if (createdAt !== undefined && id !== undefined && isKeptId(id)) return { createdAt: Number(createdAt), id };
  throw badQuery('after', 'after must be next of an earlier page.');
}

/** A page in OpenAI's shape; `rows` holds one more than asked where there is more. */
export function pageObject<Row extends Cursor>(rows: readonly Row[], limit: number, toObject: (row: Row) => object) {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > limit;
  return {
    object: 'list',
    data: page.map(toObject),
    has_more: hasMore,
    next: hasMore && last !== undefined ? cursorOf(last) : null,
  };
}

export function badQuery(param: string, message: string): Refusal {
  return new Refusal({ status: 400, code: 'invalid_value', message, param });
}
