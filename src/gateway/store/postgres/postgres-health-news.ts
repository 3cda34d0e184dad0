// Breakers' news by NOTIFY, and a table of those that are open: whoever starts, or was cut off, reads there what it missed. Each
// notice is one statement; when the database does not take it, the others find out by themselves, as they would alone.
import { z } from 'zod';
import type { TargetId } from '../../../domain/route.ts';
import { OPERATIONS } from '../../../domain/vocabulary.ts';
import type { Clock } from '../../../system/clock.ts';
import { tell } from '../../../telemetry/event.ts';
import type { HealthNews, HealthNotice } from '../../../telemetry/health-news.ts';
import type { Row } from './database.ts';
import type { Postgres } from './postgres.ts';

const CHANNEL = 'image_router_health';
/** PostgreSQL takes messages of less than 8 000 bytes; a provider's words may be long. */
const LONGEST_REASON = 500;

const MessageSchema = z.object({
  from: z.string(),
  target: z.string().transform((id) => id as TargetId),
  operation: z.enum(OPERATIONS),
  state: z.enum(['open', 'closed']),
  reason: z.string(),
  /** World milliseconds. */
  waitMs: z.number(),
});

export class PostgresHealthNews implements HealthNews {
  readonly #postgres: Postgres;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, HealthNotice>();
  #isSending = false;

  constructor(postgres: Postgres, clock: Clock) {
    this.#postgres = postgres;
    this.#clock = clock;
  }

  /** One after another, so that what was found last is what stands; of what waits meanwhile only the latest of each target is told. */
  publish(notice: HealthNotice): void {
    this.#waiting.set(`${notice.target} ${notice.operation}`, notice);
    if (this.#isSending) return;
    this.#isSending = true;
    void this.#send();
  }

  async #send(): Promise<void> {
    for (const [name, notice] of this.#waiting) {
      this.#waiting.delete(name);
      await this.#write(notice).catch(() => undefined);
    }
    this.#isSending = false;
  }

  async #write(notice: HealthNotice): Promise<void> {
    const { database, owner: from } = this.#postgres;
    const { target, operation, state } = notice;
    const reason = state === 'open' ? notice.reason.slice(0, LONGEST_REASON) : '';
    const waitMs = state === 'open' ? notice.waitMs : 0;
    const message = JSON.stringify({ from, target, operation, state, reason, waitMs });
    if (state === 'open') {
      const put = `WITH noted AS (
          INSERT INTO image_router.open_breakers VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond', $5)
          ON CONFLICT (target, operation) DO UPDATE SET reason = excluded.reason, until = excluded.until, owner = excluded.owner
        ) SELECT pg_notify($6, $7)`;
      await database.run(put, [target, operation, reason, waitMs / this.#clock.speed, from, CHANNEL, message]);
      return;
    }
    const forget =
      'WITH forgotten AS (DELETE FROM image_router.open_breakers WHERE target = $1 AND operation = $2) SELECT pg_notify($3, $4)';
    await database.run(forget, [target, operation, CHANNEL, message]);
  }

  subscribe(listener: (notice: HealthNotice) => void): () => void {
    let isHeard = true;
    const hear = (notice: HealthNotice): void => {
      if (isHeard) tell(listener, notice);
    };
    const listen = (payload: string | undefined): void => {
      if (payload === undefined) void this.#readOpen(hear);
      else this.#read(payload, hear);
    };
    const { session } = this.#postgres;
    // Without a connection it is heard as soon as there is one.
    session.listen(CHANNEL, listen).catch(() => undefined);
    return () => {
      isHeard = false;
      session.forget(CHANNEL, listen);
    };
  }

  #read(payload: string, hear: (notice: HealthNotice) => void): void {
    const message = messageIn(payload);
    if (message === undefined || message.from === this.#postgres.owner) return;
    const { target, operation, state, reason, waitMs } = message;
    hear(state === 'open' ? { target, operation, state, reason, waitMs } : { target, operation, state });
  }

  async #readOpen(hear: (notice: HealthNotice) => void): Promise<void> {
    try {
      const rows = await this.#postgres.database.run(
        `SELECT target, operation, reason, extract(epoch FROM until - clock_timestamp())::float8 * 1000 AS wait_ms
         FROM image_router.open_breakers WHERE owner <> $1 AND until > clock_timestamp()`,
        [this.#postgres.owner],
      );
      for (const row of rows) this.#readRow(row, hear);
    } catch {
      // What is open is found out by asking it, as if nobody else were there.
    }
  }

  #readRow({ target, operation, reason, wait_ms: waitMs }: Row, hear: (notice: HealthNotice) => void): void {
    const known = OPERATIONS.find((one) => one === operation);
    if (known === undefined) return;
    const about = { target: String(target) as TargetId, operation: known };
    hear({ ...about, state: 'open', reason: String(reason), waitMs: Number(waitMs) * this.#clock.speed });
  }
}

/** Undefined: it was not said by a gateway of this version. */
function messageIn(payload: string): z.output<typeof MessageSchema> | undefined {
  try {
    return MessageSchema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}
