// Limits and spend as functions inside the database: a reservation is one question and one transaction, not eight. Whoever
// changes a principal's money first locks the rows of its periods, the latest first, so reservations of one principal come
// one after another (which also makes counting its open ones exact) and two transactions never wait for each other.

/** A bucket filled more than a minute in the future was left by a clock that has since been set back: it is as good as full. */
const REFILLED = `CASE WHEN b.at > p_at + 60000 THEN p_most ELSE least(p_most, b.tokens + greatest(0, p_at - b.at) * p_most / 60000.0) END`;

export const LIMITS_STEP = `
CREATE FUNCTION image_router.bucket_of(p_principal text, p_kind text, p_most double precision, p_at bigint,
  OUT tokens double precision, OUT since bigint) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO image_router.buckets VALUES (p_principal, p_kind, p_most, p_at) ON CONFLICT DO NOTHING;
  SELECT ${REFILLED}, greatest(b.at, p_at) INTO tokens, since
    FROM image_router.buckets b WHERE b.principal = p_principal AND b.kind = p_kind FOR UPDATE;
END $$;

CREATE FUNCTION image_router.money_of(p_principal text, p_period text, OUT spent bigint, OUT reserved bigint) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO image_router.spend (principal, period) VALUES (p_principal, p_period) ON CONFLICT DO NOTHING;
  SELECT s.billed + s.possibly, s.reserved INTO spent, reserved
    FROM image_router.spend s WHERE s.principal = p_principal AND s.period = p_period FOR UPDATE;
END $$;

-- All limits are looked at under their locks before anything is taken: what is refused leaves no trace.
-- The hair's breadth (0.000001) forgives what dividing by 60 000 loses.
CREATE FUNCTION image_router.reserve(
  p_id text, p_principal text, p_owner text, p_images double precision, p_amount bigint, p_at bigint, p_day text, p_month text,
  p_requests_most double precision, p_images_most double precision, p_concurrent_most double precision,
  p_day_most bigint, p_month_most bigint, p_kept_by text,
  OUT refused text, OUT used double precision, OUT tokens double precision, OUT since bigint, OUT spent bigint
) LANGUAGE plpgsql AS $$
DECLARE
  requests record;
  images record;
  today record;
  this_month record;
BEGIN
  IF p_requests_most IS NOT NULL THEN
    requests := image_router.bucket_of(p_principal, 'requestsPerMinute', p_requests_most, p_at);
    IF requests.tokens < 1 - 0.000001 THEN
      refused := 'requestsPerMinute'; tokens := requests.tokens; since := requests.since; RETURN;
    END IF;
  END IF;
  IF p_images_most IS NOT NULL THEN
    images := image_router.bucket_of(p_principal, 'imagesPerMinute', p_images_most, p_at);
    IF images.tokens < p_images - 0.000001 THEN
      refused := 'imagesPerMinute'; tokens := images.tokens; since := images.since; RETURN;
    END IF;
  END IF;
  today := image_router.money_of(p_principal, p_day);
  IF p_day_most IS NOT NULL AND today.spent + today.reserved + p_amount > p_day_most THEN
    refused := 'usdPerDay'; used := today.spent + today.reserved; spent := today.spent; RETURN;
  END IF;
  this_month := image_router.money_of(p_principal, p_month);
  IF p_month_most IS NOT NULL AND this_month.spent + this_month.reserved + p_amount > p_month_most THEN
    refused := 'usdPerMonth'; used := this_month.spent + this_month.reserved; spent := this_month.spent; RETURN;
  END IF;
  IF p_concurrent_most IS NOT NULL AND p_kept_by = 'gateway' THEN
    SELECT count(*) INTO used FROM image_router.reservations r WHERE r.principal = p_principal AND r.kept_by = 'gateway';
    IF used >= p_concurrent_most THEN
      refused := 'concurrent'; RETURN;
    END IF;
  END IF;
  IF p_requests_most IS NOT NULL THEN
    PERFORM image_router.fill(p_principal, 'requestsPerMinute', requests.tokens - 1, p_at);
  END IF;
  IF p_images_most IS NOT NULL THEN
    PERFORM image_router.fill(p_principal, 'imagesPerMinute', images.tokens - p_images, p_at);
  END IF;
  UPDATE image_router.spend s SET reserved = s.reserved + p_amount WHERE s.principal = p_principal AND s.period IN (p_day, p_month);
  INSERT INTO image_router.reservations VALUES (p_id, p_principal, p_owner, p_amount, p_day, p_month, p_kept_by);
END $$;

CREATE FUNCTION image_router.fill(p_principal text, p_kind text, p_tokens double precision, p_at bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE image_router.buckets SET tokens = greatest(0, p_tokens), at = CASE WHEN at > p_at + 60000 THEN p_at ELSE greatest(at, p_at) END
  WHERE principal = p_principal AND kind = p_kind
$$;

-- What was spent in the place of what was reserved, once. An unknown reservation was resolved before.
CREATE FUNCTION image_router.settle(p_id text, p_billed bigint, p_possibly bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  held record;
  held_period text;
BEGIN
  DELETE FROM image_router.reservations WHERE id = p_id RETURNING principal, amount, day, month INTO held;
  IF NOT FOUND THEN RETURN; END IF;
  FOREACH held_period IN ARRAY ARRAY[held.day, held.month] LOOP
    UPDATE image_router.spend SET reserved = reserved - held.amount, billed = billed + p_billed, possibly = possibly + p_possibly
    WHERE principal = held.principal AND period = held_period;
  END LOOP;
END $$;

-- The same for a part of a reservation that many draw on, whose rest stays.
CREATE FUNCTION image_router.settle_part(p_id text, p_part bigint, p_billed bigint, p_possibly bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  held record;
  taken bigint;
  held_period text;
BEGIN
  SELECT principal, amount, day, month INTO held FROM image_router.reservations WHERE id = p_id FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  taken := least(p_part, held.amount);
  UPDATE image_router.reservations SET amount = amount - taken WHERE id = p_id;
  FOREACH held_period IN ARRAY ARRAY[held.day, held.month] LOOP
    UPDATE image_router.spend SET reserved = reserved - taken, billed = billed + p_billed, possibly = possibly + p_possibly
    WHERE principal = held.principal AND period = held_period;
  END LOOP;
END $$;

-- Spend without limits, many requests at once. Noting the same opening twice counts once.
CREATE FUNCTION image_router.note(p_principal text, p_owner text, p_day text, p_month text,
  p_ids text[], p_amounts bigint[], p_closed text[], p_billed bigint, p_possibly bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  opened bigint;
  noted_period text;
  closed_id text;
BEGIN
  WITH taken AS (
    INSERT INTO image_router.reservations SELECT o.id, p_principal, p_owner, o.amount, p_day, p_month, 'gateway'
    FROM unnest(p_ids, p_amounts) AS o (id, amount) ON CONFLICT DO NOTHING RETURNING amount
  ) SELECT coalesce(sum(amount), 0) INTO opened FROM taken;
  FOREACH noted_period IN ARRAY ARRAY[p_day, p_month] LOOP
    INSERT INTO image_router.spend AS s (principal, period, billed, possibly, reserved)
    VALUES (p_principal, noted_period, p_billed, p_possibly, opened)
    ON CONFLICT (principal, period) DO UPDATE SET billed = s.billed + p_billed, possibly = s.possibly + p_possibly, reserved = s.reserved + opened;
  END LOOP;
  FOREACH closed_id IN ARRAY p_closed LOOP
    PERFORM image_router.settle(closed_id, 0, 0);
  END LOOP;
END $$;

-- What a process that is no more had begun: its reservations count as spent in full, for nobody knows better. A job that was
-- never accepted cost nothing; one that was has no owner (''), and outlives every process.
CREATE FUNCTION image_router.resolve_left(p_owner text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  held record;
BEGIN
  FOR held IN SELECT id, amount, kept_by FROM image_router.reservations WHERE owner = p_owner AND owner <> '' ORDER BY principal, id LOOP
    PERFORM image_router.settle(held.id, 0, CASE held.kept_by WHEN 'job' THEN 0 ELSE held.amount END);
  END LOOP;
  UPDATE image_router.claims SET state = 'interrupted' WHERE owner = p_owner AND state = 'running';
  DELETE FROM image_router.owners WHERE id = p_owner;
END $$;

CREATE FUNCTION image_router.lock_of(p_owner text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended('image_router:' || p_owner, 0)
$$;

-- Whether the database has been reachable all along is told by somebody having been heard of all along: \`since\` is when that
-- began. After four seconds of silence of everybody it begins anew.
CREATE TABLE image_router.pulse (since timestamptz NOT NULL, seen timestamptz NOT NULL);
INSERT INTO image_router.pulse VALUES (clock_timestamp(), clock_timestamp());

CREATE FUNCTION image_router.beat(p_owner text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO image_router.owners VALUES (p_owner, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at;
  UPDATE image_router.pulse SET seen = clock_timestamp(),
    since = CASE WHEN seen < clock_timestamp() - interval '4 seconds' THEN clock_timestamp() ELSE since END;
END $$;

-- A process is gone whose session is over and that has not been heard of for so long, by this server's clock; or not for much
-- longer, whatever its session: a machine that vanished may leave one behind. Nobody is, while those who were cut off together
-- with everybody else may still be on their way back. It is locked until the transaction ends, so
-- that it does not come back meanwhile, and two that look at once do not both find it.
CREATE FUNCTION image_router.is_gone(p_owner text, p_silent_ms double precision, p_lost_ms double precision) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  silence interval;
BEGIN
  IF (SELECT since > clock_timestamp() - p_silent_ms * interval '1 millisecond' FROM image_router.pulse) THEN RETURN false; END IF;
  SELECT clock_timestamp() - beat_at INTO silence FROM image_router.owners WHERE id = p_owner;
  IF silence > p_lost_ms * interval '1 millisecond' THEN RETURN true; END IF;
  IF silence < p_silent_ms * interval '1 millisecond' THEN RETURN false; END IF;
  RETURN pg_try_advisory_xact_lock(image_router.lock_of(p_owner));
END $$;

CREATE FUNCTION image_router.resolve_gone(p_owner text, p_silent_ms double precision, p_lost_ms double precision) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  left_by text;
  found_gone integer := 0;
BEGIN
  FOR left_by IN
    SELECT id FROM image_router.owners UNION SELECT owner FROM image_router.reservations WHERE owner <> ''
    UNION SELECT owner FROM image_router.claims WHERE state = 'running' ORDER BY 1
  LOOP
    IF left_by <> p_owner AND image_router.is_gone(left_by, p_silent_ms, p_lost_ms) THEN
      PERFORM image_router.resolve_left(left_by);
      found_gone := found_gone + 1;
    END IF;
  END LOOP;
  RETURN found_gone;
END $$;
`;

/** A row of a batch settles what it draws on the batch's reservation; where that is gone, what was spent all the same is booked. */
export const ROWS_STEP = `
CREATE FUNCTION image_router.settle_row(p_id text, p_part bigint, p_billed bigint, p_possibly bigint,
  p_principal text, p_day text, p_month text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  booked_period text;
BEGIN
  PERFORM 1 FROM image_router.reservations WHERE id = p_id FOR UPDATE;
  IF FOUND THEN
    PERFORM image_router.settle_part(p_id, p_part, p_billed, p_possibly);
    RETURN;
  END IF;
  FOREACH booked_period IN ARRAY ARRAY[p_day, p_month] LOOP
    INSERT INTO image_router.spend AS s (principal, period, billed, possibly) VALUES (p_principal, booked_period, p_billed, p_possibly)
    ON CONFLICT (principal, period) DO UPDATE SET billed = s.billed + p_billed, possibly = s.possibly + p_possibly;
  END LOOP;
END $$;
`;

/** Spend that is noted again, because its answer was lost, counts once: an empty reservation of the batch's own says that it was. */
export const NOTE_STEP = `
CREATE FUNCTION image_router.note_once(p_id text, p_principal text, p_owner text, p_day text, p_month text,
  p_ids text[], p_amounts bigint[], p_closed text[], p_billed bigint, p_possibly bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO image_router.reservations VALUES (p_id, p_principal, p_owner, 0, p_day, p_month, 'gateway') ON CONFLICT DO NOTHING;
  IF FOUND THEN PERFORM image_router.note(p_principal, p_owner, p_day, p_month, p_ids, p_amounts, p_closed, p_billed, p_possibly); END IF;
END $$;
`;

/**
 * The mark of a noted batch is nobody's: a process that was taken for dead and comes back finds it, and offers the batch in vain.
 * Those of two days ago were left by processes that ended for good.
 */
export const MARKS_STEP = `
CREATE INDEX reservations_marking ON image_router.reservations (day) WHERE kept_by = 'note';
CREATE OR REPLACE FUNCTION image_router.note_once(p_id text, p_principal text, p_owner text, p_day text, p_month text,
  p_ids text[], p_amounts bigint[], p_closed text[], p_billed bigint, p_possibly bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO image_router.reservations VALUES (p_id, p_principal, '', 0, p_day, p_month, 'note') ON CONFLICT DO NOTHING;
  IF FOUND THEN PERFORM image_router.note(p_principal, p_owner, p_day, p_month, p_ids, p_amounts, p_closed, p_billed, p_possibly); END IF;
  DELETE FROM image_router.reservations WHERE kept_by = 'note' AND day < to_char(p_day::date - 2, 'YYYY-MM-DD');
END $$;
`;
