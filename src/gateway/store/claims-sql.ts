// Requests to be made at most once: who claimed which, and where its answer is. A claim is one conditional insert, so of any
// number of gateways that ask at once exactly one is the first.
import { z } from 'zod';
import { figure, type Row, type Sql } from './sql.ts';
import type { IdempotencyRow, NewClaim } from './store.ts';

/** Undefined: the claim was taken. */
export function takeClaim(sql: Sql, owner: string, { principal, key, fingerprint, file, at }: NewClaim): IdempotencyRow | undefined {
  const { changes } = sql
    .prepare(
      `INSERT INTO claims (principal, key, fingerprint, state, owner, file, at) VALUES (?, ?, ?, 'running', ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    .run(principal, key, fingerprint, owner, file, at);
  if (changes === 1) return undefined;
  const row = sql.prepare('SELECT * FROM claims WHERE principal = ? AND key = ?').get(principal, key);
  return row === undefined ? undefined : claimOf(row, owner);
}

/** What a gateway left running: begun, and nobody knows how far it came. */
export function interruptClaims(sql: Sql, owner: string): void {
  sql.prepare("UPDATE claims SET state = 'interrupted' WHERE owner = ? AND state = 'running'").run(owner);
}

export function sweepClaims(sql: Sql, before: number, mostBytes: number): readonly string[] {
  const old = sql.prepare("DELETE FROM claims WHERE at < ? AND state <> 'running' RETURNING file").all(before);
  const total = figure(sql.prepare('SELECT total(bytes) AS bytes FROM claims').get(), 'bytes');
  return [...old, ...(total > mostBytes ? dropExcess(sql, mostBytes) : [])].flatMap(({ file }) => (typeof file === 'string' ? [file] : []));
}

/** All that have ended. */
export function forgetClaims(sql: Sql, principal: string): readonly string[] {
  const ended = sql.prepare("DELETE FROM claims WHERE principal = ? AND state <> 'running' RETURNING file").all(principal);
  return ended.map(({ file }) => String(file));
}

/** Their claims stay until they are old: a request whose answer is gone was made all the same. */
function dropExcess(sql: Sql, mostBytes: number): readonly Row[] {
  // Newest first, the sum of bytes so far: what lies beyond the bound is the oldest.
  return sql
    .prepare(
      `UPDATE claims SET bytes = 0 WHERE bytes > 0 AND state = 'done' AND rowid IN (
         SELECT rowid FROM (SELECT rowid, sum(bytes) OVER (ORDER BY at DESC, rowid DESC) AS total FROM claims)
         WHERE total > ?) RETURNING file`,
    )
    .all(mostBytes);
}

const HeadersSchema = z.record(z.string(), z.string());

export function claimOf(row: Row, owner: string): IdempotencyRow {
  return {
    fingerprint: String(row.fingerprint),
    state: row.state === 'done' ? 'done' : row.state === 'running' ? 'running' : 'interrupted',
    isOurs: row.owner === owner,
    status: row.status === null ? undefined : Number(row.status),
    headers: row.headers === null ? undefined : HeadersSchema.parse(JSON.parse(String(row.headers))),
    file: String(row.file),
  };
}
