// The tables of the store on PostgreSQL, in a schema of their own. A step is never changed once it was released: how many
// were taken stands in `image_router.version`, and the missing ones are taken when a process opens the database, under a
// lock, so of any number that start at once one does it. Steps only add: processes of the version before go on working.
// Names and ids compare as bytes (COLLATE "C"): the same order on every server, and faster. Documents are text, not jsonb,
// which refuses the character U+0000 that a prompt may hold.
import type { Database } from './database.ts';
import { AGAIN_STEP, BATCH_ENDS_STEP, BATCHES_STEP, HEALTH_STEP, JOBS_STEP, UNCOUNTED_STEP, WEBHOOKS_STEP } from './schema-jobs.ts';
import { LIMITS_STEP, MARKS_STEP, NOTE_STEP, ROWS_STEP } from './schema-limits.ts';

const STEPS: readonly string[] = [
  `
  CREATE TABLE image_router.keys (
    id text COLLATE "C" PRIMARY KEY, name text NOT NULL, salt bytea NOT NULL, hash bytea NOT NULL,
    scopes text NOT NULL, limits text NOT NULL, created_at bigint NOT NULL, revoked_at bigint
  );
  CREATE TABLE image_router.secrets (name text COLLATE "C" PRIMARY KEY, secret bytea NOT NULL);
  CREATE TABLE image_router.owners (id text COLLATE "C" PRIMARY KEY, beat_at timestamptz NOT NULL);
  CREATE TABLE image_router.spend (
    principal text COLLATE "C" NOT NULL, period text COLLATE "C" NOT NULL,
    billed bigint NOT NULL DEFAULT 0, possibly bigint NOT NULL DEFAULT 0, reserved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (principal, period)
  );
  CREATE TABLE image_router.reservations (
    id text COLLATE "C" PRIMARY KEY, principal text COLLATE "C" NOT NULL, owner text COLLATE "C" NOT NULL,
    amount bigint NOT NULL, day text COLLATE "C" NOT NULL, month text COLLATE "C" NOT NULL,
    kept_by text NOT NULL
  );
  CREATE INDEX reservations_by_principal ON image_router.reservations (principal) WHERE kept_by = 'gateway';
  CREATE INDEX reservations_by_owner ON image_router.reservations (owner) WHERE owner <> '';
  CREATE TABLE image_router.buckets (
    principal text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, tokens double precision NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (principal, kind)
  );
  CREATE TABLE image_router.claims (
    principal text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, fingerprint text NOT NULL, state text NOT NULL,
    owner text COLLATE "C" NOT NULL, status integer, headers text, file text NOT NULL, bytes bigint NOT NULL DEFAULT 0,
    at bigint NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (principal, key)
  );
  CREATE INDEX claims_by_age ON image_router.claims (at, seq, state, bytes);
  CREATE INDEX claims_running ON image_router.claims (owner) WHERE state = 'running';
  CREATE TABLE image_router.traces (
    id text COLLATE "C" PRIMARY KEY, principal text COLLATE "C" NOT NULL, at text COLLATE "C" NOT NULL, trace text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY
  );
  CREATE INDEX traces_by_age ON image_router.traces (at);
  CREATE INDEX traces_by_seq ON image_router.traces (seq);
  `,
  LIMITS_STEP,
  WEBHOOKS_STEP,
  JOBS_STEP,
  BATCHES_STEP,
  HEALTH_STEP,
  ROWS_STEP,
  AGAIN_STEP,
  BATCH_ENDS_STEP,
  UNCOUNTED_STEP,
  NOTE_STEP,
  MARKS_STEP,
];

/** Any number, the same in every version: who holds it changes the tables. */
const LOCK = 7_226_901_417;

/** Throws when the database was written by a later version of this program. */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (run) => {
    await run('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const [found] = await run("SELECT to_regclass('image_router.version') IS NOT NULL AS present");
    if (found?.present !== true) {
      // Only where it is missing: a user who may not make schemas can be given one.
      await run("DO $$ BEGIN IF to_regnamespace('image_router') IS NULL THEN CREATE SCHEMA image_router; END IF; END $$");
      await run('CREATE TABLE image_router.version (steps integer NOT NULL)');
      await run('INSERT INTO image_router.version VALUES (0)');
    }
    const [row] = await run('SELECT steps FROM image_router.version');
    const taken = Number(row?.steps ?? 0);
    if (taken > STEPS.length) throw new Error(`the database is of version ${taken}, this program knows ${STEPS.length}`);
    for (const step of STEPS.slice(taken)) await run(step);
    await run('UPDATE image_router.version SET steps = $1', [STEPS.length]);
  });
}
