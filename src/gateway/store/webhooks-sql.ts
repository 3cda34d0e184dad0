// Webhook endpoints as rows. Lists are JSON: they are read whole, and checked when they are.
import { z } from 'zod';
import { WEBHOOK_EVENTS, type WebhookEndpoint, type WebhookStore } from '../../jobs/webhook-store.ts';
import { giveUpWaiting } from './deliveries-sql.ts';
import { figure, type Row, type Sql } from './sql.ts';

const EventsSchema = z.array(z.enum(WEBHOOK_EVENTS));
const SecretsSchema = z.array(
  z.object({ secret: z.string(), validUntil: z.number().optional() }).transform(({ secret, validUntil }) => ({ secret, validUntil })),
);

/** False: its principal has `most` already. */
export function insertEndpoint(sql: Sql, endpoint: WebhookEndpoint, most: number): boolean {
  const { id, principal, url, events, secrets, createdAt, disabled } = endpoint;
  const count = figure(sql.prepare('SELECT count(*) AS n FROM webhooks WHERE principal = ?').get(principal), 'n');
  if (count >= most) return false;
  sql
    .prepare('INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(id, principal, url, JSON.stringify(events), JSON.stringify(secrets), createdAt, disabled?.at ?? null, disabled?.reason ?? null);
  return true;
}

export function findEndpoint(sql: Sql, principal: string, id: string): WebhookEndpoint | undefined {
  const row = sql.prepare('SELECT * FROM webhooks WHERE id = ? AND principal = ?').get(id, principal);
  return row === undefined ? undefined : endpointOf(row);
}

/** Whoever's it is: for what is sent, never for what is asked. */
export function endpointById(sql: Sql, id: string): WebhookEndpoint | undefined {
  const row = sql.prepare('SELECT * FROM webhooks WHERE id = ?').get(id);
  return row === undefined ? undefined : endpointOf(row);
}

export function listEndpoints(sql: Sql, principal: string): readonly WebhookEndpoint[] {
  return sql.prepare('SELECT * FROM webhooks WHERE principal = ? ORDER BY created_at, id').all(principal).map(endpointOf);
}

export function changeEndpoint(
  sql: Sql,
  principal: string,
  id: string,
  change: Parameters<WebhookStore['changeEndpoint']>[2],
): WebhookEndpoint | undefined {
  const before = findEndpoint(sql, principal, id);
  if (before === undefined) return undefined;
  const { url, events, secrets, disabled } = change(before);
  sql
    .prepare('UPDATE webhooks SET url = ?, events = ?, secrets = ?, disabled_at = ?, disabled_reason = ? WHERE id = ?')
    .run(url, JSON.stringify(events), JSON.stringify(secrets), disabled?.at ?? null, disabled?.reason ?? null, id);
  if (disabled !== undefined) giveUpWaiting(sql, id);
  return { ...before, url, events, secrets, disabled };
}

export function removeEndpoint(sql: Sql, principal: string, id: string): boolean {
  if (sql.prepare('DELETE FROM webhooks WHERE id = ? AND principal = ?').run(id, principal).changes === 0) return false;
  sql.prepare('DELETE FROM deliveries WHERE endpoint = ?').run(id);
  return true;
}

export function forgetPrincipal(sql: Sql, principal: string): void {
  for (const { id } of listEndpoints(sql, principal)) removeEndpoint(sql, principal, id);
}

export function endpointOf(row: Row): WebhookEndpoint {
  return {
    id: String(row.id),
    principal: String(row.principal),
    url: String(row.url),
    events: EventsSchema.parse(JSON.parse(String(row.events))),
    secrets: SecretsSchema.parse(JSON.parse(String(row.secrets))),
    createdAt: Number(row.created_at),
    disabled: row.disabled_at === null ? undefined : { at: Number(row.disabled_at), reason: String(row.disabled_reason) },
  };
}
