// The tables of the embedded store. A step is never changed once it was released: the number of steps a file has taken is
// its `user_version`, and the missing ones are taken when it is opened, under the file's write lock.
import type { DatabaseSync } from 'node:sqlite';

const STEPS: readonly string[] = [
  `
  CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL,
    scopes TEXT NOT NULL, limits TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER
  ) STRICT;
  CREATE TABLE owners (id TEXT PRIMARY KEY, beat INTEGER NOT NULL) STRICT;
  CREATE TABLE spend (
    principal TEXT NOT NULL, period TEXT NOT NULL,
    billed INTEGER NOT NULL DEFAULT 0, possibly INTEGER NOT NULL DEFAULT 0, reserved INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (principal, period)
  ) STRICT;
  CREATE TABLE reservations (
    id TEXT PRIMARY KEY, principal TEXT NOT NULL, owner TEXT NOT NULL,
    amount INTEGER NOT NULL, day TEXT NOT NULL, month TEXT NOT NULL
  ) STRICT;
  CREATE INDEX reservations_by_principal ON reservations (principal);
  CREATE INDEX reservations_by_owner ON reservations (owner);
  CREATE TABLE buckets (
    principal TEXT NOT NULL, kind TEXT NOT NULL, tokens REAL NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (principal, kind)
  ) STRICT;
  CREATE TABLE claims (
    principal TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
    status INTEGER, headers TEXT, file TEXT, bytes INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
  ) STRICT;
  CREATE INDEX claims_by_age ON claims (at);
  CREATE TABLE traces (id TEXT PRIMARY KEY, principal TEXT NOT NULL, at TEXT NOT NULL, trace TEXT NOT NULL) STRICT;
  CREATE INDEX traces_by_age ON traces (at);
  `,
  // What sweeping and a beat ask for every few seconds is answered from an index alone.
  `
  DROP INDEX claims_by_age;
  CREATE INDEX claims_by_age ON claims (at, state, bytes);
  CREATE INDEX claims_running ON claims (owner) WHERE state = 'running';
  `,
];

/** Throws when the file was written by a later version of this program. */
export function migrate(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = Number(Object.values(database.prepare('PRAGMA user_version').get() ?? {})[0] ?? 0);
    if (version > STEPS.length) throw new Error(`the file is of version ${version}, this program knows ${STEPS.length}`);
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${STEPS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
