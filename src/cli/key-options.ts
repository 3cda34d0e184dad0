// The options of a new key, read and checked: all mistakes of a command line show at once, each with its remedy. An empty list
// is a mistake too, for a key that may use no policy at all is nobody's wish.
import type { Problem } from '../domain/error.ts';
import { problemsError } from '../domain/problem.ts';
import type { NewKey } from '../gateway/keys/key-ring.ts';
import { SCOPES, type Scope } from '../gateway/ports.ts';
import { type Reading, readDollars, readNumber } from './quantities.ts';

export type KeyFlags = {
  readonly name: string;
  readonly scope?: string;
  readonly requestsPerMinute?: string;
  readonly imagesPerMinute?: string;
  readonly concurrent?: string;
  readonly usdPerDay?: string;
  readonly usdPerMonth?: string;
  readonly policy?: string;
  readonly model?: string;
};

/** Larger than any limit that limits something. */
const MOST = 1_000_000;
const LONGEST_NAME = 100;
const WHOLE = `give a whole number from 1 to ${MOST}`;
const AMOUNT = 'give a positive number of dollars, such as 5.00';

/** Throws ImageRouterError `invalid_request`. */
export function readNewKey(flags: KeyFlags): NewKey {
  const problems: Problem[] = [];
  const key: NewKey = {
    name: nameIn(flags.name, problems),
    scopes: scopesIn(flags.scope ?? 'images', problems),
    limits: {
      requestsPerMinute: countIn('requestsPerMinute', flags.requestsPerMinute, problems),
      imagesPerMinute: countIn('imagesPerMinute', flags.imagesPerMinute, problems),
      concurrent: countIn('concurrent', flags.concurrent, problems),
      usdPerDay: dollarsIn('usdPerDay', flags.usdPerDay, problems),
      usdPerMonth: dollarsIn('usdPerMonth', flags.usdPerMonth, problems),
      policies: flags.policy === undefined ? undefined : listIn('policy', flags.policy, problems),
      models: flags.model === undefined ? undefined : listIn('model', flags.model, problems),
    },
  };
  if (problems.length > 0) throw problemsError('invalid_request', 'request', problems);
  return key;
}

/** Names are shown in tables: nothing in them may move a terminal's cursor. */
function nameIn(text: string, problems: Problem[]): string {
  const name = text.trim();
  if (name.length > 0 && name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name)) return name;
  const rule = `must have 1 to ${LONGEST_NAME} characters, none of them control characters`;
  problems.push({ field: 'name', rule, value: JSON.stringify(text), remedy: 'name whose key it is, such as chatbot' });
  return name;
}

function scopesIn(text: string, problems: Problem[]): readonly Scope[] {
  return listIn('scope', text, problems).flatMap((name) => {
    const scope = SCOPES.find((known) => known === name);
    if (scope !== undefined) return [scope];
    const rule = `must be some of ${SCOPES.join(', ')}`;
    problems.push({ field: 'scope', rule, value: JSON.stringify(name), remedy: 'such as --scope images,read' });
    return [];
  });
}

function countIn(field: string, text: string | undefined, problems: Problem[]): number | undefined {
  if (text === undefined) return undefined;
  const isGood = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= MOST;
  return checked(
    readNumber(field, text, WHOLE),
    isGood,
    { field, rule: `must be a whole number from 1 to ${MOST}`, value: text, remedy: WHOLE },
    problems,
  );
}

function dollarsIn(field: string, text: string | undefined, problems: Problem[]): number | undefined {
  if (text === undefined) return undefined;
  const isGood = (value: number): boolean => value > 0 && value <= MOST;
  return checked(
    readDollars(field, text),
    isGood,
    { field, rule: `must be above 0 and at most ${MOST}`, value: text, remedy: AMOUNT },
    problems,
  );
}

function checked(reading: Reading, isGood: (value: number) => boolean, otherwise: Problem, problems: Problem[]): number | undefined {
  if (reading.kind === 'value' && isGood(reading.value)) return reading.value;
  problems.push(reading.kind === 'problem' ? reading.problem : otherwise);
  return undefined;
}

function listIn(field: string, text: string, problems: Problem[]): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  const named = [...new Set(parts.filter((part) => part !== ''))];
  if (named.length > 0) return named;
  problems.push({
    field,
    rule: 'must name at least one',
    value: JSON.stringify(text),
    remedy: 'leave it out for no limit, or give names with commas',
  });
  return [];
}
