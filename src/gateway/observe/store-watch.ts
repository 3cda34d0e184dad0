// A store that is away is one thing to tell, however many hear of it: feeders, senders, beats and ledgers all run into it every
// second. The log has one line when it begins, with the innermost cause, and one when it is over. Nobody says that it is over but a
// beat the store took, and only where nothing was heard since the beat before: one that comes and goes is one outage.
import { StoreError } from '../../domain/store-error.ts';
import type { Clock } from '../../system/clock.ts';
import { codeOf } from './error-code.ts';
import type { Facts } from './log.ts';
import type { Observer } from './observer.ts';

export class StoreWatch {
  readonly #observer: Pick<Observer, 'defect' | 'outage' | 'note'>;
  readonly #clock: Clock;
  #since: number | undefined;
  #isQuiet = true;

  constructor(observer: Pick<Observer, 'defect' | 'outage' | 'note'>, clock: Clock) {
    this.#observer = observer;
    this.#clock = clock;
  }

  /** What is no outage is a defect. */
  trouble(error: unknown): void {
    const facts = outageIn(error);
    if (facts === undefined) {
      this.#observer.defect('store', error);
      return;
    }
    this.#isQuiet = false;
    if (this.#since !== undefined) return;
    this.#since = this.#clock.now();
    this.#observer.outage('store', facts);
  }

  /** The store took a beat. */
  beat(): void {
    if (this.#since !== undefined && this.#isQuiet) {
      const ms = Math.round((this.#clock.now() - this.#since) / this.#clock.speed);
      this.#since = undefined;
      this.#observer.note('info', 'store-back', { where: 'store', ms });
    }
    this.#isQuiet = true;
  }
}

/** Undefined: the store is there, and refused one record. */
function outageIn(error: unknown): Facts | undefined {
  if (!(error instanceof StoreError)) return undefined;
  const cause = innermost(error);
  if (cause === error) return { problem: error.message };
  if (isOfRecord(cause)) return undefined;
  return { problem: error.message, code: codeOf(cause), cause: wordsOf(cause) };
}

const MOST_CAUSES = 8;

/** Of several addresses of one name that were all tried, the first. */
function innermost(error: unknown): unknown {
  let found = error;
  for (let depth = 0; depth < MOST_CAUSES; depth += 1) {
    const inner: unknown = found instanceof AggregateError ? found.errors[0] : found instanceof Error ? found.cause : undefined;
    if (inner === undefined) break;
    found = inner;
  }
  return found;
}

/** Classes of SQLSTATE in which a server speaks of itself: connection, authorization, database, resources, operators, system. */
const OF_SERVER = /^(?:08|28|3D|53|57|58)/;

/** PostgreSQL's own errors have a severity. Its words about a record may quote the record. */
function isOfRecord(cause: unknown): boolean {
  return cause instanceof Error && 'severity' in cause && !OF_SERVER.test(codeOf(cause) ?? '');
}

const LONGEST_WORDS = 300;

function wordsOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  // As greedy as it gets: a password may hold anything.
  const words = cause.message.replace(/:\/\/\S*@/g, '://').replace(/\b(\w*password)\s*=\s*\S+/gi, '$1=');
  return words.slice(0, LONGEST_WORDS);
}
