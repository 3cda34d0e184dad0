// Taking a place inside a key's limits: one conditional statement a limit, all in one transaction, undone together when one
// of them has no room. Rates are token buckets: a full minute's worth at most, refilled evenly.
import type { DatabaseSync } from 'node:sqlite';
import type { Cost } from '../../domain/result.ts';
import { type LimitName, periodEnd, periodsOf, type Reservation, type Reserved } from './store.ts';

const MINUTE_MS = 60_000;

/** Thrown inside the transaction to undo what earlier limits took. */
export class OverLimit extends Error {
  readonly refusal: Extract<Reserved, { kind: 'over-limit' }>;

  constructor(refusal: Extract<Reserved, { kind: 'over-limit' }>) {
    super(`over the limit ${refusal.limit}`);
    this.refusal = refusal;
  }
}

type Row = Readonly<Record<string, unknown>>;
const figure = (row: Row | undefined, name: string): number => Number(row?.[name] ?? 0);

/** Throws OverLimit. */
export function takeReservation(database: DatabaseSync, owner: string, reservation: Reservation): void {
  const { id, principal, images, microUsd, limits, at } = reservation;
  takeTokens(database, reservation, 'requestsPerMinute', 1);
  takeTokens(database, reservation, 'imagesPerMinute', images);
  const { day, month } = periodsOf(at);
  takeMoney(database, reservation, 'usdPerDay', day);
  takeMoney(database, reservation, 'usdPerMonth', month);
  const { changes } = database
    .prepare(
      `INSERT INTO reservations (id, principal, owner, amount, day, month)
       SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM reservations WHERE principal = ?) < ?`,
    )
    .run(id, principal, owner, microUsd, day, month, principal, limits.concurrent ?? Number.MAX_SAFE_INTEGER);
  if (changes === 1) return;
  const used = figure(database.prepare('SELECT count(*) AS used FROM reservations WHERE principal = ?').get(principal), 'used');
  throw new OverLimit({ kind: 'over-limit', limit: 'concurrent', most: limits.concurrent ?? 0, used, freesAt: undefined });
}

function takeTokens(
  database: DatabaseSync,
  { principal, limits, at }: Reservation,
  limit: Extract<LimitName, 'requestsPerMinute' | 'imagesPerMinute'>,
  count: number,
): void {
  const most = limits[limit];
  if (most === undefined) return;
  database.prepare('INSERT INTO buckets VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(principal, limit, most, at);
  const refilled = 'min(:most, tokens + max(0, :at - at) * :most / 60000.0)';
  const { changes } = database
    .prepare(
      `UPDATE buckets SET tokens = ${refilled} - :count, at = max(at, :at)
       WHERE principal = :principal AND kind = :kind AND ${refilled} >= :count`,
    )
    .run({ most, at, count, principal, kind: limit });
  if (changes === 1) return;
  const row = database
    .prepare(`SELECT ${refilled} AS tokens FROM buckets WHERE principal = :principal AND kind = :kind`)
    .get({ most, at, principal, kind: limit });
  const tokens = figure(row, 'tokens');
  const freesAt = count > most ? undefined : at + Math.ceil(((count - tokens) * MINUTE_MS) / most);
  throw new OverLimit({ kind: 'over-limit', limit, most, used: Math.round(most - tokens), freesAt });
}

function takeMoney(
  database: DatabaseSync,
  { principal, microUsd, limits, at }: Reservation,
  limit: Extract<LimitName, 'usdPerDay' | 'usdPerMonth'>,
  period: string,
): void {
  const mostUsd = limits[limit];
  const most = mostUsd === undefined ? Number.MAX_SAFE_INTEGER : Math.round(mostUsd * 1_000_000);
  database.prepare('INSERT INTO spend (principal, period) VALUES (?, ?) ON CONFLICT DO NOTHING').run(principal, period);
  const { changes } = database
    .prepare(
      `UPDATE spend SET reserved = reserved + :amount
       WHERE principal = :principal AND period = :period AND billed + possibly + reserved + :amount <= :most`,
    )
    .run({ amount: microUsd, principal, period, most });
  if (changes === 1) return;
  const row = database
    .prepare('SELECT billed + possibly + reserved AS used FROM spend WHERE principal = ? AND period = ?')
    .get(principal, period);
  throw new OverLimit({ kind: 'over-limit', limit, most, used: figure(row, 'used'), freesAt: periodEnd(limit, at) });
}

/** Puts what was spent in the place of what was reserved. An unknown reservation was resolved before: nothing happens. */
export function settleReservation(database: DatabaseSync, id: string, { billed, possiblyBilled }: Cost): void {
  const row = database.prepare('DELETE FROM reservations WHERE id = ? RETURNING principal, amount, day, month').get(id);
  if (row === undefined) return;
  const update = database.prepare(
    `UPDATE spend SET reserved = reserved - ?, billed = billed + ?, possibly = possibly + ? WHERE principal = ? AND period IN (?, ?)`,
  );
  update.run(figure(row, 'amount'), billed, possiblyBilled, String(row.principal), String(row.day), String(row.month));
}

/** What a gateway left behind when it died counts as spent in full: nobody knows better. */
export function resolveReservations(database: DatabaseSync, owners: readonly string[]): void {
  for (const owner of owners) {
    const left = database.prepare('SELECT id, amount FROM reservations WHERE owner = ?').all(owner);
    for (const row of left) settleReservation(database, String(row.id), costOf(figure(row, 'amount')));
  }
}

function costOf(possibly: number): Cost {
  return { billed: 0 as Cost['billed'], possiblyBilled: possibly as Cost['possiblyBilled'] };
}
