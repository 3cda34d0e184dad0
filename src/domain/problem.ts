// Turns schema issues into problems people can act on: field, rule, value, remedy. A misspelt key names its near miss;
// a key or prompt is never echoed back.
import { z } from 'zod';
import type { ErrorCode, Problem } from './error.ts';
import { ImageRouterError } from './error.ts';

type Issue = z.core.$ZodIssue;

/** What to do instead, by the last part of the field's path. Rules that already say it need no entry. */
const REMEDIES: Readonly<Record<string, string>> = {
  prompt: 'describe the image in 1 to 32000 characters',
  size: 'use a size such as 1024x1024, 1536x1024, 1024x1536 or 1920x1088, or give aspectRatio instead',
  aspectRatio: 'use a ratio such as 1:1, 3:2 or 16:9, and no size beside it',
  n: 'ask for 1 to 10 images; for more, send several requests',
  compression: 'give 0 to 100 with format jpeg or webp, or leave it out for png',
  background: 'use format png or webp for a transparent background',
  latencyBudgetMs: 'give a positive number of milliseconds, at most a day; 8 s is 8000',
  maxCostUsd: 'give a positive number of dollars, such as 0.10',
  tier: 'give either tier or quality; tiers are preview, standard, premium',
  tenant: 'use a short id of letters, digits and . _ : @ -',
  baseUrl: 'give the full URL with its path, such as https://api.openai.com/v1',
  apiKey: "give the provider's key, or env:NAME to read it from the environment",
  endpoints: 'configure at least one endpoint with a provider, a baseUrl and an apiKey',
  speed: 'use a number above 0, such as 1 for real time or 20 for twenty times faster',
};
const SECRET_FIELDS = new Set(['apiKey', 'proxyUrl', 'prompt']);
const LONGEST_VALUE = 60;

/** Parses `input`, or throws an ImageRouterError with every problem found. `subject` starts the message: "request". */
export function parseOrExplain<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  code: ErrorCode,
  subject: string,
): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw problemsError(code, subject, problemsOf(result.error.issues, schema, input));
}

export function problemsError(code: ErrorCode, subject: string, problems: readonly Problem[]): ImageRouterError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const message = first === undefined ? `invalid ${subject}` : `invalid ${subject}: ${describeProblem(first)}${more}`;
  return new ImageRouterError(code, message, { problems, ...(first?.remedy === undefined ? {} : { remedy: first.remedy }) });
}

/** `size must be ..., got "1920x1080"` */
function describeProblem(problem: Problem): string {
  const got = problem.value === undefined ? '' : `, got ${problem.value}`;
  return `${problem.field} ${problem.rule}${got}`;
}

function problemsOf(issues: readonly Issue[], schema: z.ZodType, input: unknown): readonly Problem[] {
  return issues.filter(isTelling).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [problemOf(issue, input)];
    return issue.keys.map((key) => unknownKey([...issue.path, key], key, knownKeys(schema)));
  });
}

/** A number beyond what is counted exactly is told its field's own limit, where there is one, and not the machine's. */
function isTelling(issue: Issue, _: number, issues: readonly Issue[]): boolean {
  const limit = limitOf(issue);
  if (limit === undefined || Math.abs(limit) !== Number.MAX_SAFE_INTEGER) return true;
  const isTold = (other: Issue): boolean => other !== issue && other.code === issue.code && isSamePath(other.path, issue.path);
  return !issues.some(isTold);
}

function limitOf(issue: Issue): number | undefined {
  return issue.code === 'too_big' ? Number(issue.maximum) : issue.code === 'too_small' ? Number(issue.minimum) : undefined;
}

function isSamePath(one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}

function unknownKey(path: readonly PropertyKey[], key: string, known: readonly string[]): Problem {
  const near = nearest(key, known);
  const remedy = near === undefined ? `remove it; known fields include ${known.slice(0, 12).join(', ')}` : `did you mean "${near}"?`;
  return { field: fieldOf(path), rule: 'is not a known field', value: undefined, remedy };
}

function problemOf(issue: Issue, input: unknown): Problem {
  const field = fieldOf(issue.path);
  const last = issue.path.findLast((part) => typeof part === 'string');
  const value = valueAt(input, issue.path);
  const isSecret = typeof last === 'string' && SECRET_FIELDS.has(last);
  const remedy = typeof last === 'string' ? REMEDIES[last] : undefined;
  return {
    field,
    rule: ruleOf(issue, value),
    value: isSecret || value === undefined ? undefined : shorten(value),
    remedy: remedy ?? choices(issue),
  };
}

function ruleOf(issue: Issue, value: unknown): string {
  if (value === undefined && issue.code === 'invalid_type') return 'is required';
  switch (issue.code) {
    case 'invalid_value':
      return `must be ${choices(issue)?.replace('use ', '') ?? 'another value'}`;
    case 'too_small':
      return issue.inclusive === false ? `must be above ${issue.minimum}` : `must ${counted('at least', issue.minimum, issue.origin)}`;
    case 'too_big':
      return `must ${counted('at most', issue.maximum, issue.origin)}`;
    case 'invalid_type':
      return issue.message.startsWith('must') ? issue.message : `must be ${article(issue.expected)}`;
    case 'invalid_union':
      return issue.message.startsWith('must') ? issue.message : 'has none of the accepted forms';
    default:
      return issue.message;
  }
}

/** What a length counts; a number's own size needs no unit. */
const COUNTED: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
};

/** `have at least 1 entry`, `be at most 10`. */
function counted(comparison: string, count: number | bigint, origin: string): string {
  const unit = COUNTED[origin];
  return unit === undefined ? `be ${comparison} ${count}` : `have ${comparison} ${count} ${count === 1 ? unit[0] : unit[1]}`;
}

function choices(issue: Issue): string | undefined {
  return issue.code === 'invalid_value' ? `use one of ${issue.values.map(String).join(', ')}` : undefined;
}

function article(expected: string): string {
  const names: Record<string, string> = { int: 'a whole number', number: 'a number', string: 'text', object: 'an object', array: 'a list' };
  return names[expected] ?? `a ${expected}`;
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the whole' : path.map(String).join('.');
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined), input);
}

function shorten(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}... (${text.length} characters)` : text;
}

/** Every property name anywhere in the schema. */
function knownKeys(schema: z.ZodType): readonly string[] {
  const keys = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const properties: unknown = Reflect.get(node, 'properties');
    if (typeof properties === 'object' && properties !== null) for (const key of Object.keys(properties)) keys.add(key);
    for (const inner of Object.values(node)) walk(inner);
  };
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return [...keys];
}

/** The known word closest to `word`, when it is close enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[_-]/g, '');
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(plain(word), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= farthestMeant(word) ? best.candidate : undefined;
}

/** At which distance a word may still be meant. */
export function farthestMeant(word: string): number {
  return Math.max(2, Math.floor(word.length / 3));
}

/** Levenshtein distance, one row at a time. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
