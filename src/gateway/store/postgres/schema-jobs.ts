// The tables of jobs and webhooks. A job's place in the queue is pg-boss's, in a schema of its own; everything about the job is
// here. Its number is its place in the order in which jobs came, and what its rows in other tables name it by.

export const WEBHOOKS_STEP = `
CREATE TABLE image_router.webhooks (
  id text COLLATE "C" PRIMARY KEY, principal text COLLATE "C" NOT NULL, url text NOT NULL, events text NOT NULL,
  secrets text NOT NULL, created_at bigint NOT NULL, disabled_at bigint, disabled_reason text
);
CREATE INDEX webhooks_by_principal ON image_router.webhooks (principal, created_at, id);
CREATE TABLE image_router.deliveries (
  id text COLLATE "C" PRIMARY KEY, endpoint text COLLATE "C" NOT NULL REFERENCES image_router.webhooks ON DELETE CASCADE,
  principal text COLLATE "C" NOT NULL, job text, event text NOT NULL, body text NOT NULL, created_at bigint NOT NULL,
  state text NOT NULL, next_try_at bigint, tries text NOT NULL, leased_by text
);
CREATE INDEX deliveries_due ON image_router.deliveries (next_try_at) WHERE state = 'waiting';
CREATE INDEX deliveries_waiting ON image_router.deliveries (endpoint, next_try_at) WHERE state = 'waiting';
CREATE INDEX deliveries_leased ON image_router.deliveries (endpoint) WHERE leased_by IS NOT NULL;
CREATE INDEX deliveries_by_endpoint ON image_router.deliveries (endpoint, created_at, id);
CREATE INDEX deliveries_ended ON image_router.deliveries (created_at) WHERE state <> 'waiting';
`;

export const JOBS_STEP = `
CREATE TABLE image_router.jobs (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  principal text COLLATE "C" NOT NULL, lineage text COLLATE "C" NOT NULL, batch text COLLATE "C",
  origin text NOT NULL, request text NOT NULL, model text NOT NULL, state text COLLATE "C" NOT NULL, priority integer NOT NULL,
  created_at bigint NOT NULL, started_at bigint, ended_at bigint, deadline_at bigint NOT NULL,
  not_before bigint NOT NULL DEFAULT 0, reason text, expected_ms double precision, runs integer NOT NULL DEFAULT 0,
  lost integer NOT NULL DEFAULT 0, owner text COLLATE "C", worker text COLLATE "C", is_cancel_asked boolean NOT NULL DEFAULT false,
  billed bigint NOT NULL DEFAULT 0, possibly bigint NOT NULL DEFAULT 0, max_cost bigint,
  previews text NOT NULL DEFAULT '[]', images text NOT NULL DEFAULT '[]', degraded text, error text, trace_id text
);
CREATE INDEX jobs_later ON image_router.jobs (not_before) WHERE not_before > 0;
CREATE INDEX jobs_by_deadline ON image_router.jobs (deadline_at) WHERE state = 'queued';
CREATE INDEX jobs_by_owner ON image_router.jobs (owner, worker) WHERE owner IS NOT NULL;
CREATE INDEX jobs_by_principal ON image_router.jobs (principal, state, created_at, id);
CREATE INDEX jobs_by_batch ON image_router.jobs (batch, state, created_at, id) WHERE batch IS NOT NULL;
CREATE INDEX jobs_by_lineage ON image_router.jobs (lineage, state, created_at, id);
CREATE INDEX jobs_by_end ON image_router.jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE image_router.job_events (
  job bigint NOT NULL, seq integer NOT NULL, at bigint NOT NULL, kind text NOT NULL, data text NOT NULL, PRIMARY KEY (job, seq)
);
CREATE TABLE image_router.job_attempts (
  job bigint NOT NULL, run integer NOT NULL, part text COLLATE "C" NOT NULL, attempt integer NOT NULL, target text NOT NULL,
  route text NOT NULL, started_at bigint NOT NULL, ceiling bigint NOT NULL, outcome text, billed bigint, possibly bigint,
  request_id text, ended_at bigint, is_left boolean NOT NULL DEFAULT false, PRIMARY KEY (job, run, part, attempt)
);
CREATE TABLE image_router.job_blobs (job bigint NOT NULL, blob text COLLATE "C" NOT NULL, PRIMARY KEY (job, blob));
CREATE INDEX job_blobs_by_name ON image_router.job_blobs (blob);
`;

export const BATCHES_STEP = `
CREATE TABLE image_router.batches (
  id text COLLATE "C" PRIMARY KEY, principal text COLLATE "C" NOT NULL, state text NOT NULL, created_at bigint NOT NULL,
  deadline_at bigint NOT NULL, ended_at bigint, rows integer NOT NULL, fed integer NOT NULL DEFAULT 0, concurrency integer NOT NULL,
  max_cost bigint
);
CREATE INDEX batches_by_principal ON image_router.batches (principal, created_at, id);
CREATE INDEX batches_open ON image_router.batches (created_at) WHERE ended_at IS NULL;
CREATE INDEX batches_by_end ON image_router.batches (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE image_router.batch_rows (
  batch text COLLATE "C" NOT NULL REFERENCES image_router.batches ON DELETE CASCADE, row integer NOT NULL, custom_id text,
  job text NOT NULL, request text NOT NULL, model text NOT NULL, max_cost bigint NOT NULL, PRIMARY KEY (batch, row)
);
`;

/** What processes found of targets, for those that start later or were cut off: `until` goes by this server's clock. */
export const HEALTH_STEP = `
CREATE TABLE image_router.open_breakers (
  target text COLLATE "C" NOT NULL, operation text COLLATE "C" NOT NULL, reason text NOT NULL, until timestamptz NOT NULL,
  owner text COLLATE "C" NOT NULL, PRIMARY KEY (target, operation)
);
`;

/** When a delivery was asked for again while it was being sent. */
export const AGAIN_STEP = `
ALTER TABLE image_router.deliveries ADD COLUMN again_at bigint;
`;

/** Jobs of a batch that ended, counted when they did. No job ends while those that have are counted for the first time. */
export const BATCH_ENDS_STEP = `
CREATE TABLE image_router.batch_ends (
  batch text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, principal text COLLATE "C" NOT NULL, jobs integer NOT NULL,
  billed bigint NOT NULL, possibly bigint NOT NULL, PRIMARY KEY (batch, state)
);
LOCK TABLE image_router.jobs IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO image_router.batch_ends
  SELECT j.batch, j.state, j.principal, count(*), sum(j.billed), sum(j.possibly) FROM image_router.jobs j
  JOIN image_router.batches b ON b.id = j.batch AND b.principal = j.principal WHERE j.ended_at IS NOT NULL GROUP BY j.batch, j.state, j.principal;
`;

/**
 * A process of the version before counts no end of a row: it is counted here, except on connections that say they count
 * themselves. That is a setting and no column: a wider table would fail every statement those processes have prepared on it.
 */
export const UNCOUNTED_STEP = `
CREATE FUNCTION image_router.count_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO image_router.batch_ends AS t (batch, state, principal, jobs, billed, possibly)
    SELECT b.id, NEW.state, NEW.principal, 1, NEW.billed, NEW.possibly FROM image_router.batches b WHERE b.id = NEW.batch FOR KEY SHARE
    ON CONFLICT (batch, state) DO UPDATE
      SET jobs = t.jobs + 1, billed = t.billed + excluded.billed, possibly = t.possibly + excluded.possibly;
  RETURN NULL;
END $$;
CREATE TRIGGER count_end AFTER UPDATE ON image_router.jobs FOR EACH ROW
  WHEN (NEW.batch IS NOT NULL AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
    AND current_setting('image_router.counts', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION image_router.count_end();
`;
