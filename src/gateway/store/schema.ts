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
  `
  CREATE TABLE secrets (name TEXT PRIMARY KEY, secret BLOB NOT NULL) STRICT;
  CREATE TABLE webhooks (
    id TEXT PRIMARY KEY, principal TEXT NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL, secrets TEXT NOT NULL,
    created_at INTEGER NOT NULL, disabled_at INTEGER, disabled_reason TEXT
  ) STRICT;
  CREATE INDEX webhooks_by_principal ON webhooks (principal, created_at, id);
  CREATE TABLE deliveries (
    id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, principal TEXT NOT NULL, job TEXT, event TEXT NOT NULL, body TEXT NOT NULL,
    created_at INTEGER NOT NULL, state TEXT NOT NULL, next_try_at INTEGER, tries TEXT NOT NULL, leased_by TEXT
  ) STRICT;
  CREATE INDEX deliveries_due ON deliveries (next_try_at) WHERE state = 'waiting';
  CREATE INDEX deliveries_waiting ON deliveries (endpoint, next_try_at) WHERE state = 'waiting';
  CREATE INDEX deliveries_leased ON deliveries (endpoint) WHERE leased_by IS NOT NULL;
  CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, created_at, id);
  CREATE INDEX deliveries_ended ON deliveries (created_at) WHERE state <> 'waiting';
  `,
  // A reservation whose job was accepted has no owner (''): it outlives every gateway, and no beat looks at it.
  `
  ALTER TABLE reservations ADD COLUMN kept_by TEXT NOT NULL DEFAULT 'gateway';
  DROP INDEX reservations_by_principal;
  CREATE INDEX reservations_by_principal ON reservations (principal) WHERE kept_by = 'gateway';
  DROP INDEX reservations_by_owner;
  CREATE INDEX reservations_by_owner ON reservations (owner) WHERE owner <> '';
  `,
];

/** Throws when the file was written by a later version of this program. `known`: how many steps this version has; a test may be an earlier one. */
export function migrate(database: DatabaseSync, known = STEPS.length): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = Number(Object.values(database.prepare('PRAGMA user_version').get() ?? {})[0] ?? 0);
    if (version > known) throw new Error(`the file is of version ${version}, this program knows ${known}`);
    for (const step of STEPS.slice(version, known)) database.exec(step);
    database.exec(`PRAGMA user_version = ${known}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
