// A connection's statements, each compiled once: compiling costs several times what running one does.
import { DatabaseSync, type StatementSync } from 'node:sqlite';

export type Row = Readonly<Record<string, unknown>>;

export class Sql {
  readonly #database: DatabaseSync;
  /** By their text; texts are written in these sources, so there are a few dozen. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

/** A connection that waits for no lock until it is told to; closed again when it cannot be made ready. Throws what SQLite says. */
export function openConnection(path: string, makeReady: (database: DatabaseSync) => void): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    makeReady(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export function figure(row: Row | undefined, name: string): number {
  return Number(row?.[name] ?? 0);
}

/** SQLite's own number for what went wrong; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  const isTold = error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
  return isTold && 'errcode' in error ? Number(error.errcode) : undefined;
}

/** Another connection holds the lock: SQLITE_BUSY and its extended forms. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && (code & 0xff) === 5;
}
