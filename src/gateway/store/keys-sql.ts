// Keys as rows. Lists and limits are JSON: they are read whole, and checked when they are.
import { z } from 'zod';
import { NO_LIMITS } from '../limits/no-limits.ts';
import { SCOPES } from '../ports.ts';
import type { Row, Sql } from './sql.ts';
import type { StoredKey } from './store.ts';

const ScopesSchema = z.array(z.enum(SCOPES));
const LimitsSchema = z.object({
  requestsPerMinute: z.number().optional(),
  imagesPerMinute: z.number().optional(),
  concurrent: z.number().optional(),
  usdPerDay: z.number().optional(),
  usdPerMonth: z.number().optional(),
  policies: z.array(z.string()).optional(),
  models: z.array(z.string()).optional(),
});

export function insertKey(sql: Sql, { id, name, salt, hash, scopes, limits, createdAt, revokedAt }: StoredKey): void {
  sql
    .prepare('INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(id, name, salt, hash, JSON.stringify(scopes), JSON.stringify(limits), createdAt, revokedAt ?? null);
}

export function keyOf(row: Row): StoredKey {
  const limits = LimitsSchema.parse(JSON.parse(String(row.limits)));
  return {
    id: String(row.id),
    name: String(row.name),
    salt: bytesOf(row.salt),
    hash: bytesOf(row.hash),
    scopes: ScopesSchema.parse(JSON.parse(String(row.scopes))),
    limits: { ...NO_LIMITS, ...limits },
    createdAt: Number(row.created_at),
    revokedAt: row.revoked_at === null ? undefined : Number(row.revoked_at),
  };
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}
