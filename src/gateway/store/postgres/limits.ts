// What the database says about a reservation, in the words of the port.
import { microUsd } from '../../../domain/money.ts';
import { periodEnd, periodsOf } from '../periods.ts';
import { usedOf } from '../rates.ts';
import type { LimitName, Reservation, Reserved } from '../store.ts';
import type { Row } from './database.ts';

const MINUTE_MS = 60_000;

export const RESERVE = 'SELECT * FROM image_router.reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)';

export function reserveValues(owner: string, reservation: Reservation): readonly unknown[] {
  const { id, principal, images, microUsd: amount, limits, at, keptBy } = reservation;
  const { day, month } = periodsOf(at);
  return [
    ...[id, principal, owner, images, amount, at, day, month],
    ...[limits.requestsPerMinute, limits.imagesPerMinute, limits.concurrent].map((most) => most ?? null),
    ...[limits.usdPerDay, limits.usdPerMonth].map((usd) => (usd === undefined ? null : microUsd(usd))),
    keptBy,
  ];
}

export function reservedOf(reservation: Reservation, row: Row | undefined): Reserved {
  const limit = limitOf(row?.refused);
  if (row === undefined || limit === undefined) return { kind: 'reserved' };
  const { limits } = reservation;
  const most = limits[limit] ?? 0;
  switch (limit) {
    case 'requestsPerMinute':
    case 'imagesPerMinute': {
      const asked = limit === 'requestsPerMinute' ? 1 : reservation.images;
      const tokens = Number(row.tokens);
      const freesAt = asked > most ? undefined : Number(row.since) + Math.ceil(((asked - tokens) * MINUTE_MS) / most);
      return { kind: 'over-limit', limit, most, asked, used: usedOf(most, tokens), freesAt };
    }
    case 'concurrent':
      return { kind: 'over-limit', limit, most, asked: 1, used: Number(row.used), freesAt: undefined };
    default: {
      const amount = reservation.microUsd;
      const mostMicroUsd = microUsd(most);
      // With less reserved it would have fitted, so a request that ends may make room long before the period does.
      const isUpToOthers = amount > mostMicroUsd || Number(row.spent) + amount <= mostMicroUsd;
      const freesAt = isUpToOthers ? undefined : periodEnd(limit, reservation.at);
      return { kind: 'over-limit', limit, most: mostMicroUsd, asked: amount, used: Number(row.used), freesAt };
    }
  }
}

const LIMITS: readonly LimitName[] = ['requestsPerMinute', 'imagesPerMinute', 'concurrent', 'usdPerDay', 'usdPerMonth'];

function limitOf(refused: unknown): LimitName | undefined {
  return LIMITS.find((limit) => limit === refused);
}
