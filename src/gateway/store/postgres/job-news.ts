// Who hears that jobs have something new: at once in this process, by NOTIFY in the others. It is sent after the change is on
// disk and apart from it: a transaction that notifies holds up the commit of every other one that does. So a hint may be lost,
// as the port says; after a connection was lost everybody looks for work.
import { z } from 'zod';
import type { JobHint } from '../../../jobs/job-store.ts';
import type { Clock } from '../../../system/clock.ts';
import { tell } from '../../../telemetry/event.ts';
import type { JobChange } from './job-change.ts';
import type { Postgres } from './postgres.ts';

const CHANNEL = 'image_router_jobs';
/** Real milliseconds in which hints gather into one message. */
const GATHER_MS = 10;
/** Of ids in one message: PostgreSQL takes less than 8 000 bytes. */
const MOST_CHARACTERS = 5_000;

const MessageSchema = z.object({ from: z.string(), hasWork: z.boolean(), cancelled: z.array(z.string()), jobs: z.array(z.string()) });

type News = { readonly jobs: readonly string[]; readonly cancelled: readonly string[]; readonly hasWork: boolean };
const NO_NEWS: News = { jobs: [], cancelled: [], hasWork: false };

export class JobNews {
  readonly #postgres: Postgres;
  readonly #clock: Clock;
  readonly #listeners = new Set<(hint: JobHint) => void>();
  #gathered = NO_NEWS;
  #isGathering = false;

  constructor(postgres: Postgres, clock: Clock) {
    this.#postgres = postgres;
    this.#clock = clock;
  }

  /** Whoever subscribes afterwards misses nothing from then on. Rejects with StoreError. */
  async open(): Promise<void> {
    await this.#postgres.session.listen(CHANNEL, (payload) => this.#hear(payload));
  }

  subscribe(listener: (hint: JobHint) => void): () => void {
    // The same function may listen twice.
    const own = (hint: JobHint): void => listener(hint);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  told({ changed, hasWork, cancelAsked }: Pick<JobChange, 'changed' | 'hasWork' | 'cancelAsked'>): void {
    const news: News = { jobs: [...changed], cancelled: cancelAsked === undefined ? [] : [cancelAsked], hasWork };
    if (news.jobs.length === 0 && !hasWork) return;
    this.#tell(news);
    const { jobs, cancelled, hasWork: hadWork } = this.#gathered;
    this.#gathered = { jobs: [...jobs, ...news.jobs], cancelled: [...cancelled, ...news.cancelled], hasWork: hadWork || hasWork };
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#clock.timer(GATHER_MS * this.#clock.speed, () => this.#send(), { background: true });
  }

  #send(): void {
    const { jobs, cancelled, hasWork } = this.#gathered;
    this.#gathered = NO_NEWS;
    this.#isGathering = false;
    const pieces: readonly Partial<News>[] = [
      { hasWork },
      ...inPieces(cancelled).map((some) => ({ cancelled: some })),
      ...inPieces([...new Set(jobs)]).map((some) => ({ jobs: some })),
    ];
    const messages = pieces.map((piece) => JSON.stringify({ from: this.#postgres.owner, ...NO_NEWS, ...piece }));
    // Whom it does not reach looks now and then.
    this.#postgres.database
      .run('SELECT count(pg_notify($1, message)) FROM unnest($2::text[]) AS message', [CHANNEL, hasWork ? messages : messages.slice(1)])
      .catch(() => undefined);
  }

  #hear(payload: string | undefined): void {
    if (payload === undefined) {
      this.#tell({ ...NO_NEWS, hasWork: true });
      return;
    }
    const message = messageIn(payload);
    if (message !== undefined && message.from !== this.#postgres.owner) this.#tell(message);
  }

  #tell({ jobs, cancelled, hasWork }: News): void {
    for (const listener of this.#listeners) {
      for (const id of jobs) tell(listener, { kind: 'job', id });
      for (const id of cancelled) tell(listener, { kind: 'cancel', id });
      if (hasWork) tell(listener, { kind: 'work' });
    }
  }
}

function inPieces(ids: readonly string[]): readonly (readonly string[])[] {
  const pieces: string[][] = [];
  let characters = MOST_CHARACTERS;
  for (const id of ids) {
    characters += id.length + 3;
    if (characters > MOST_CHARACTERS) {
      pieces.push([]);
      characters = id.length + 3;
    }
    pieces.at(-1)?.push(id);
  }
  return pieces;
}

/** Undefined: it was not said by a gateway. */
function messageIn(payload: string): z.infer<typeof MessageSchema> | undefined {
  try {
    return MessageSchema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}
