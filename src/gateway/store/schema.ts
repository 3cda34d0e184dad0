// The tables of the embedded store. A step is never changed once it was released: the number of steps a file has taken is
// its `user_version`, and the missing ones are taken when it is opened, under the file's write lock. Steps may take away what
// processes of the version before need: those that still run say that they are to be restarted.
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../domain/store-error.ts';
import { figure, type Sql } from './sql.ts';

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
  // Waiting jobs are found by their turn, the ones that wait for later by when; lists go by owner and state.
  `
  CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, principal TEXT NOT NULL, lineage TEXT NOT NULL, batch TEXT,
    origin TEXT NOT NULL, request TEXT NOT NULL, model TEXT NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL,
    created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, deadline_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0, reason TEXT, expected_ms REAL, runs INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0, owner TEXT, worker TEXT, is_cancel_asked INTEGER NOT NULL DEFAULT 0,
    billed INTEGER NOT NULL DEFAULT 0, possibly INTEGER NOT NULL DEFAULT 0, max_cost INTEGER,
    previews TEXT NOT NULL DEFAULT '[]', images TEXT NOT NULL DEFAULT '[]', degraded TEXT, error TEXT, trace_id TEXT
  ) STRICT;
  CREATE INDEX jobs_waiting ON jobs (priority, number, deadline_at) WHERE state = 'queued' AND not_before = 0;
  CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'queued' AND not_before > 0;
  CREATE INDEX jobs_by_deadline ON jobs (deadline_at) WHERE state = 'queued';
  CREATE INDEX jobs_by_owner ON jobs (owner, worker) WHERE owner IS NOT NULL;
  CREATE INDEX jobs_by_principal ON jobs (principal, state, created_at, id);
  CREATE INDEX jobs_by_batch ON jobs (batch, state, created_at, id) WHERE batch IS NOT NULL;
  CREATE INDEX jobs_by_lineage ON jobs (lineage, state, created_at, id);
  CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE job_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    kind TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (job, seq)
  ) STRICT;
  CREATE TABLE job_attempts (
    job INTEGER NOT NULL, run INTEGER NOT NULL, part TEXT NOT NULL, attempt INTEGER NOT NULL, target TEXT NOT NULL,
    route TEXT NOT NULL, started_at INTEGER NOT NULL, ceiling INTEGER NOT NULL, outcome TEXT, billed INTEGER, possibly INTEGER,
    request_id TEXT, ended_at INTEGER, is_left INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job, run, part, attempt)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE job_blobs (job INTEGER NOT NULL, blob TEXT NOT NULL, PRIMARY KEY (job, blob)) STRICT, WITHOUT ROWID;
  CREATE INDEX job_blobs_by_name ON job_blobs (blob);
  `,
  `
  CREATE TABLE batches (
    id TEXT PRIMARY KEY, principal TEXT NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL, deadline_at INTEGER NOT NULL,
    ended_at INTEGER, rows INTEGER NOT NULL, fed INTEGER NOT NULL DEFAULT 0, concurrency INTEGER NOT NULL, max_cost INTEGER
  ) STRICT;
  CREATE INDEX batches_by_principal ON batches (principal, created_at, id);
  CREATE INDEX batches_open ON batches (created_at) WHERE ended_at IS NULL;
  CREATE INDEX batches_by_end ON batches (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE batch_rows (
    batch TEXT NOT NULL, row INTEGER NOT NULL, custom_id TEXT, job TEXT NOT NULL, request TEXT NOT NULL, model TEXT NOT NULL,
    max_cost INTEGER NOT NULL, PRIMARY KEY (batch, row)
  ) STRICT, WITHOUT ROWID;
  `,
  // When a delivery was asked for again while it was being sent.
  `
  ALTER TABLE deliveries ADD COLUMN again_at INTEGER;
  `,
  // Who writes a batch that is not whole yet.
  `
  ALTER TABLE batches ADD COLUMN loader TEXT;
  UPDATE batches SET loader = 'nobody' WHERE state = 'loading';
  `,
  // Jobs of a batch that ended, counted when they did.
  `
  CREATE TABLE batch_ends (
    batch TEXT NOT NULL, state TEXT NOT NULL, principal TEXT NOT NULL, jobs INTEGER NOT NULL, billed INTEGER NOT NULL,
    possibly INTEGER NOT NULL, PRIMARY KEY (batch, state)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO batch_ends
    SELECT j.batch, j.state, j.principal, count(*), sum(j.billed), sum(j.possibly) FROM jobs j
    JOIN batches b ON b.id = j.batch AND b.principal = j.principal WHERE j.ended_at IS NOT NULL GROUP BY j.batch, j.state, j.principal;
  `,
  // Recent traces have a file of their own now; those of the last hour are not taken along.
  `
  DELETE FROM traces;
  `,
  // A family is found by its first job's id and this: few jobs continue another, and each index by a random key costs every accept.
  `
  DROP INDEX jobs_by_lineage;
  CREATE INDEX jobs_continuing ON jobs (lineage, state, created_at, id) WHERE lineage <> id;
  `,
];

/** Throws when the file was written by a later version of this program. `known`: how many steps this version has; a test may be an earlier one. */
export function migrate(database: DatabaseSync, known = STEPS.length): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(database);
    if (version > known) throw new Error(`the file is of version ${version}, this program knows ${known}`);
    for (const step of STEPS.slice(version, known)) database.exec(step);
    database.exec(`PRAGMA user_version = ${known}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Throws StoreError when a later version of this program has taken the file over since it was opened. */
export function checkVersion(sql: Sql): void {
  if (versionOf(sql) <= STEPS.length) return;
  throw new StoreError('a later version of this program has taken the data folder over: restart this process');
}

function versionOf(file: Pick<DatabaseSync, 'prepare'>): number {
  return figure(file.prepare('PRAGMA user_version').get(), 'user_version');
}
