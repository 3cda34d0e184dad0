// What there is to say of an endpoint beyond the endpoint itself: what it takes, what it answers, which errors it can have, and
// a line that works as it stands.
import type { AnswerName } from './answer-schemas.ts';
import type { ErrorPlace } from './error-list.ts';

export type OperationNotes = {
  /** Sentences, after the endpoint's summary. */
  readonly about: string;
  /** Content type -> schema of the body. */
  readonly body?: Readonly<Record<string, string>>;
  /** There may be no body at all. */
  readonly isBodyOptional?: boolean;
  /** Content type -> schema of the answer; undefined: text. */
  readonly answer: Readonly<Record<string, AnswerName | undefined>>;
  /** Schema of what 202 answers; undefined: nothing is accepted for later. */
  readonly accepted?: AnswerName;
  /** Parameters of the query, each with its meaning. */
  readonly query?: Readonly<Record<string, string>>;
  readonly errors: readonly ErrorPlace[];
  /** Takes the headers that stand for body fields. */
  readonly takesHeaders?: boolean;
  /** Makes images: answers with headers of its own. */
  readonly makesImages?: boolean;
  /** Takes an Idempotency-Key. */
  readonly isIdempotent?: boolean;
  /** Takes Prefer: respond-async, and how long to wait. */
  readonly takesPrefer?: boolean;
  /** Says when looking again makes sense. */
  readonly isLookedAtAgain?: boolean;
  /** Answers with parts of a file, or with nothing for who has it already. */
  readonly isFile?: boolean;
  /** What follows `curl -s URL`, beginning with the path. */
  readonly example: string;
};

export const JSON_TYPE = 'application/json';
export const EVENTS = 'text/event-stream';
export const json = (body: object): string => `-H "content-type: application/json" -d '${JSON.stringify(body)}'`;
