// Taking a place inside a key's limits: one conditional statement a limit, all in one transaction, undone together when one
// of them has no room. Rates are token buckets: a full minute's worth at most, refilled evenly.
import { type MicroUsd, microUsd, ZERO_USD } from '../../domain/money.ts';
import { type Cost, NO_COST } from '../../domain/result.ts';
import { periodEnd, periodsOf } from './periods.ts';
import { usedOf } from './rates.ts';
import { figure, type Row, type Sql } from './sql.ts';
import type { LimitName, Reservation, Reserved, SpendBatch, SpendRow } from './store.ts';

const MINUTE_MS = 60_000;
const UNLIMITED = Number.MAX_SAFE_INTEGER;

type Refusal = Extract<Reserved, { kind: 'over-limit' }>;
type RateName = Extract<LimitName, 'requestsPerMinute' | 'imagesPerMinute'>;
type MoneyName = Extract<LimitName, 'usdPerDay' | 'usdPerMonth'>;

/** Thrown inside the transaction to undo what earlier limits took. */
export class OverLimit extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Omit<Refusal, 'kind'>) {
    super(`over the limit ${refusal.limit}`);
    this.refusal = { kind: 'over-limit', ...refusal };
  }
}

/** Throws OverLimit. */
export function takeReservation(sql: Sql, owner: string, reservation: Reservation): void {
  const { day, month } = periodsOf(reservation.at);
  takeTokens(sql, reservation, 'requestsPerMinute', 1);
  takeTokens(sql, reservation, 'imagesPerMinute', reservation.images);
  takeMoney(sql, reservation, 'usdPerDay', day);
  takeMoney(sql, reservation, 'usdPerMonth', month);
  takePlace(sql, owner, reservation, day, month);
}

function takePlace(sql: Sql, owner: string, reservation: Reservation, day: string, month: string): void {
  const { id, principal, microUsd: amount, limits, keptBy } = reservation;
  const most = keptBy === 'job' ? undefined : limits.concurrent;
  const place = [id, principal, owner, amount, day, month, keptBy] as const;
  if (most === undefined) {
    sql.prepare(`${INSERT_RESERVATION} VALUES (?, ?, ?, ?, ?, ?, ?)`).run(...place);
    return;
  }
  const { changes } = sql
    .prepare(`${INSERT_RESERVATION} SELECT ?, ?, ?, ?, ?, ?, ? WHERE (${COUNT_OPEN}) < ?`)
    .run(...place, principal, most);
  if (changes === 1) return;
  const used = figure(sql.prepare(`SELECT (${COUNT_OPEN}) AS used`).get(principal), 'used');
  throw new OverLimit({ limit: 'concurrent', most, asked: 1, used, freesAt: undefined });
}

const INSERT_RESERVATION = 'INSERT INTO reservations (id, principal, owner, amount, day, month, kept_by)';
const COUNT_OPEN = "SELECT count(*) FROM reservations WHERE principal = ? AND kept_by = 'gateway'";

// A bucket filled more than a minute in the future was left by a clock that has since been set back (a sandbox at twenty times
// real speed that was started again): it is as good as full. The hair's breadth forgives what dividing by 60 000 loses.
const REFILLED = 'CASE WHEN at > :at + 60000 THEN :most ELSE min(:most, tokens + max(0, :at - at) * :most / 60000.0) END';
const HAIR = '0.000001';

function takeTokens(sql: Sql, { principal, limits, at }: Reservation, limit: RateName, count: number): void {
  const most = limits[limit];
  if (most === undefined) return;
  sql.prepare('INSERT INTO buckets VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(principal, limit, most, at);
  const { changes } = sql
    .prepare(
      `UPDATE buckets SET tokens = max(0, ${REFILLED} - :count), at = CASE WHEN at > :at + 60000 THEN :at ELSE max(at, :at) END
       WHERE principal = :principal AND kind = :kind AND ${REFILLED} >= :count - ${HAIR}`,
    )
    .run({ most, at, count, principal, kind: limit });
  if (changes === 1) return;
  const row = sql
    .prepare(`SELECT ${REFILLED} AS tokens, max(at, :at) AS since FROM buckets WHERE principal = :principal AND kind = :kind`)
    .get({ most, at, principal, kind: limit });
  const tokens = figure(row, 'tokens');
  const freesAt = count > most ? undefined : figure(row, 'since') + Math.ceil(((count - tokens) * MINUTE_MS) / most);
  throw new OverLimit({ limit, most, asked: count, used: usedOf(most, tokens), freesAt });
}

function takeMoney(sql: Sql, { principal, microUsd: amount, limits, at }: Reservation, limit: MoneyName, period: string): void {
  const mostUsd = limits[limit];
  const most = mostUsd === undefined ? UNLIMITED : microUsd(mostUsd);
  sql.prepare('INSERT INTO spend (principal, period) VALUES (?, ?) ON CONFLICT DO NOTHING').run(principal, period);
  const { changes } = sql
    .prepare(
      `UPDATE spend SET reserved = reserved + :amount
       WHERE principal = :principal AND period = :period AND billed + possibly + reserved + :amount <= :most`,
    )
    .run({ amount, principal, period, most });
  if (changes === 1) return;
  const row = sql
    .prepare('SELECT billed + possibly AS spent, reserved FROM spend WHERE principal = ? AND period = ?')
    .get(principal, period);
  const spent = figure(row, 'spent');
  const used = spent + figure(row, 'reserved');
  // With less reserved it would have fitted, so a request that ends may make room long before the period does.
  const freesAt = amount > most || spent + amount <= most ? undefined : periodEnd(limit, at);
  throw new OverLimit({ limit, most, asked: amount, used, freesAt });
}

/** Puts what was spent in the place of what was reserved. An unknown reservation was resolved before: nothing happens. */
export function settleReservation(sql: Sql, id: string, { billed, possiblyBilled }: Cost): void {
  const row = sql.prepare('DELETE FROM reservations WHERE id = ? RETURNING principal, amount, day, month').get(id);
  if (row === undefined) return;
  const periods = [String(row.day), String(row.month)];
  addSpend(sql, { principal: String(row.principal), periods, billed, possibly: possiblyBilled, reserved: -figure(row, 'amount') });
}

export type Drawing = { readonly id: string; readonly part: MicroUsd; readonly principal: string; readonly at: number };

/**
 * The same for a part of a reservation that many draw on, whose rest stays. Where it is gone, because its batch was forgotten or
 * had ended, what was spent all the same is booked at `at`.
 */
export function settlePart(sql: Sql, { id, part, principal, at }: Drawing, { billed, possiblyBilled }: Cost): void {
  const row = sql.prepare('SELECT amount, day, month FROM reservations WHERE id = ?').get(id);
  const taken = row === undefined ? 0 : Math.min(part, figure(row, 'amount'));
  sql.prepare('UPDATE reservations SET amount = amount - ? WHERE id = ?').run(taken, id);
  const { day, month } = row === undefined ? periodsOf(at) : { day: String(row.day), month: String(row.month) };
  addSpend(sql, { principal, periods: [day, month], billed, possibly: possiblyBilled, reserved: -taken });
}

/** What a gateway left behind when it died counts as spent in full: nobody knows better. A job that was never accepted cost nothing. */
export function resolveReservations(sql: Sql, owner: string): void {
  for (const row of sql.prepare("SELECT id, amount, kept_by FROM reservations WHERE owner = ? AND owner <> ''").all(owner)) {
    const possiblyBilled = row.kept_by === 'job' ? ZERO_USD : amountIn(figure(row, 'amount'));
    settleReservation(sql, String(row.id), { billed: ZERO_USD, possiblyBilled });
  }
}

/** Spend without limits, many requests at once. An empty reservation of the batch's own says that it was noted. */
export function noteSpend(sql: Sql, owner: string, { id: batch, principal, at, opened, closed, spent }: SpendBatch): void {
  const { day, month } = periodsOf(at);
  const open = sql.prepare(`${INSERT_RESERVATION} VALUES (?, ?, ?, ?, ?, ?, 'gateway') ON CONFLICT DO NOTHING`);
  if (open.run(batch, principal, owner, 0, day, month).changes === 0) return;
  let reserved = 0;
  for (const { id, microUsd: amount } of opened) {
    if (open.run(id, principal, owner, amount, day, month).changes === 1) reserved += amount;
  }
  addSpend(sql, { principal, periods: [day, month], billed: spent.billed, possibly: spent.possiblyBilled, reserved });
  for (const id of closed) settleReservation(sql, id, NO_COST);
}

type Added = {
  readonly principal: string;
  readonly periods: readonly string[];
  readonly billed: number;
  readonly possibly: number;
  readonly reserved: number;
};

function addSpend(sql: Sql, { periods, ...amounts }: Added): void {
  const add = sql.prepare(
    `INSERT INTO spend (principal, period, billed, possibly, reserved) VALUES (:principal, :period, :billed, :possibly, :reserved)
     ON CONFLICT DO UPDATE SET billed = billed + :billed, possibly = possibly + :possibly, reserved = reserved + :reserved`,
  );
  for (const period of periods) add.run({ ...amounts, period });
}

/** Money as the store holds it. */
function amountIn(stored: number): MicroUsd {
  return stored as MicroUsd;
}

/** A row of spend, in either store. */
export function spendRowOf({ principal, period, billed, possibly, reserved }: Row): SpendRow {
  return {
    principal: String(principal),
    period: String(period),
    billed: Number(billed),
    possiblyBilled: Number(possibly),
    reserved: Number(reserved),
  };
}
