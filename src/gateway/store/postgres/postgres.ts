// One PostgreSQL database as a process uses it: a pool for its questions, and one lasting connection by which others see that
// it lives and over which it hears of changes. Every store of a gateway or worker shares one of these.
import { ImageRouterError } from '../../../domain/error.ts';
import type { Clock } from '../../../system/clock.ts';
import { Database, type DatabaseOptions, type Row } from './database.ts';
import { migrate } from './schema.ts';
import { Session } from './session.ts';

export type PostgresOptions = Omit<DatabaseOptions, 'name'> & {
  readonly clock: Clock;
  /** This process's name among gateways and workers. */
  readonly owner: string;
  /**
   * How long nothing must be heard of a process whose connection is gone before it counts as dead, and how long the database must
   * have been heard of itself before anybody is judged. Real milliseconds. Default 8 000: a database that was away must give
   * everybody the time to come back, and the dead are to be found within fifteen seconds.
   */
  readonly silentMs?: number;
};

/** A process not heard of for so long is dead even while its connection stands: its machine may have vanished without a word. */
export const LOST_MS = 60_000;
const SILENT_MS = 8_000;

/** Rejects with ImageRouterError `invalid_config` when the database cannot be used. */
export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  if (!/^postgres(ql)?:/.test(options.url)) throw unusable(new Error('its URL must begin with postgres://'));
  const database = new Database({ ...options, name: `image-router ${options.owner}` });
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw unusable(error);
  }
  const session = new Session(database.settings, options.clock);
  return new Postgres(database, session, options.owner, options.silentMs ?? SILENT_MS);
}

export function unusable(cause: unknown): ImageRouterError {
  const remedy = 'start the database, or correct the URL; the user must be able to create a schema, or own one called image_router';
  return new ImageRouterError('invalid_config', `the database cannot be used: ${reasonOf(cause)}`, { remedy, cause });
}

/** The innermost reason is the one that helps. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${reasonOf(error.cause)})` : error.message;
}

export class Postgres {
  readonly database: Database;
  readonly session: Session;
  /** This process's name among gateways and workers. */
  readonly owner: string;
  readonly silentMs: number;
  readonly #closings: (() => Promise<void>)[] = [];

  constructor(database: Database, session: Session, owner: string, silentMs: number) {
    this.database = database;
    this.session = session;
    this.owner = owner;
    this.silentMs = silentMs;
  }

  /** For what has to be resolved if this process dies: others must be able to see that it lives. */
  async runAsOwner(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    await this.session.hold(this.owner);
    return await this.database.run(text, values);
  }

  /** Says that this process lives, and that its session does. */
  async beat(): Promise<void> {
    await this.session.hold(this.owner);
    await this.session.beat();
  }

  /** For what works on its own over this database: it ends first. */
  beforeClose(closing: () => Promise<void>): void {
    this.#closings.push(closing);
  }

  async close(): Promise<void> {
    for (const closing of this.#closings.splice(0)) await closing().catch(() => undefined);
    await this.session.close();
    await this.database.close();
  }
}
