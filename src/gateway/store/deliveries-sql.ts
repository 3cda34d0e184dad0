// Deliveries to webhook endpoints as rows. One that is being sent is due again when its lease ends: `next_try_at` is that
// instant meanwhile, so a sender that died needs no clearing up. A lease ends by a try written down or by time, by nothing an
// owner can ask for: it stands for a place that a receiver holds. What is asked for meanwhile waits in `again_at`.
import { z } from 'zod';
import {
  type Delivery,
  type DeliveryTry,
  type DueQuery,
  MOST_TRIES_KEPT,
  type WebhookEndpoint,
  type WebhookStore,
} from '../../jobs/webhook-store.ts';
import { figure, type Row, type Sql } from './sql.ts';

const TriesSchema = z.array(
  z
    .object({ at: z.number(), status: z.number().optional(), failure: z.string().optional(), tookMs: z.number() })
    .transform(({ at, status, failure, tookMs }): DeliveryTry => ({ at, status, failure, tookMs })),
);
const EventSchema = z.enum(['job.preview_ready', 'job.completed', 'job.failed', 'job.cancelled', 'webhook.test']) satisfies z.ZodType<
  Delivery['event']
>;
const StateSchema = z.enum(['waiting', 'delivered', 'given-up']) satisfies z.ZodType<Delivery['state']>;

/** One that is there already stays as it is. */
export function insertDelivery(sql: Sql, delivery: Delivery): void {
  const { id, endpoint, principal, job, event, body, createdAt, state, nextTryAt, tries } = delivery;
  sql
    .prepare(
      `INSERT INTO deliveries (id, endpoint, principal, job, event, body, created_at, state, next_try_at, tries)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    .run(id, endpoint, principal, job ?? null, event, body, createdAt, state, nextTryAt ?? null, JSON.stringify(tries));
}

/** Whether anything is due; asked without writing, for it is asked often. */
export function isAnyDue(sql: Sql, at: number): boolean {
  return sql.prepare("SELECT 1 FROM deliveries WHERE state = 'waiting' AND next_try_at <= ? LIMIT 1").get(at) !== undefined;
}

/** Of each endpoint and principal as many as there is room for; of those the longest due. */
export function takeDue(
  sql: Sql,
  sender: string,
  { most, perEndpoint, share, at, leaseMs }: DueQuery,
  endpointBy: (id: string) => WebhookEndpoint | undefined,
): readonly { readonly delivery: Delivery; readonly endpoint: WebhookEndpoint }[] {
  const found: { readonly delivery: Delivery; readonly endpoint: WebhookEndpoint; readonly since: number }[] = [];
  for (const id of endpointsDue(sql, at)) {
    const room = perEndpoint - leasedOf(sql, id, at);
    if (room <= 0) continue;
    const rows = sql
      .prepare("SELECT * FROM deliveries WHERE state = 'waiting' AND endpoint = ? AND next_try_at <= ? ORDER BY next_try_at LIMIT ?")
      .all(id, at, room);
    const endpoint = rows.length === 0 ? undefined : endpointBy(id);
    if (endpoint === undefined) continue;
    for (const row of rows) found.push({ delivery: deliveryOf(row), endpoint, since: Number(row.next_try_at) });
  }
  const held = new Map(share?.held);
  const isWithinShare = ({ delivery: { principal } }: (typeof found)[number]): boolean => {
    const places = (held.get(principal) ?? 0) + 1;
    held.set(principal, places);
    return share === undefined || places <= share.most;
  };
  const taken = found
    .sort((a, b) => a.since - b.since)
    .filter(isWithinShare)
    .slice(0, most);
  const lease = sql.prepare('UPDATE deliveries SET leased_by = ?, next_try_at = ?, again_at = NULL WHERE id = ?');
  for (const { delivery } of taken) lease.run(sender, at + leaseMs, delivery.id);
  return taken.map(({ delivery, endpoint }) => ({ delivery, endpoint }));
}

/** Few of them are read one by one. */
const FEW = 256;

/**
 * Those with something due. Where much is due, most of it may be one receiver's that is far behind: then endpoints are found by
 * skipping from one to the next in an index, which costs the same however much waits for each.
 */
function endpointsDue(sql: Sql, at: number): Iterable<string> {
  const oldest = sql.prepare("SELECT endpoint FROM deliveries WHERE state = 'waiting' AND next_try_at <= ? LIMIT ?").all(at, FEW);
  return oldest.length < FEW ? new Set(oldest.map(({ endpoint }) => String(endpoint))) : skipThrough(sql, at);
}

function* skipThrough(sql: Sql, at: number): Generator<string> {
  const next = sql.prepare(
    "SELECT endpoint, next_try_at FROM deliveries WHERE state = 'waiting' AND endpoint > ? ORDER BY endpoint, next_try_at LIMIT 1",
  );
  for (let row = next.get(''); row !== undefined; row = next.get(String(row.endpoint)))
    if (Number(row.next_try_at) <= at) yield String(row.endpoint);
}

/** Leases that have run out are not counted: whoever held them is gone. */
function leasedOf(sql: Sql, endpoint: string, at: number): number {
  const row = sql
    .prepare('SELECT count(*) AS n FROM deliveries WHERE endpoint = ? AND leased_by IS NOT NULL AND next_try_at > ?')
    .get(endpoint, at);
  return figure(row, 'n');
}

export function recordTry(sql: Sql, sender: string, id: string, attempt: DeliveryTry, outcome: Parameters<WebhookStore['tried']>[3]): void {
  const row = sql.prepare('SELECT tries, state, again_at FROM deliveries WHERE id = ? AND leased_by = ?').get(id, sender);
  if (row === undefined) return;
  const tries = [...triesOf(row), attempt].slice(-MOST_TRIES_KEPT);
  const [state, next] = afterTry(row, outcome);
  sql
    .prepare('UPDATE deliveries SET tries = ?, state = ?, next_try_at = ?, again_at = NULL, leased_by = NULL WHERE id = ?')
    .run(JSON.stringify(tries), state, next, id);
}

/** While it was being sent its endpoint may have been disabled, or its owner have asked for it again. */
export function afterTry(
  { state, again_at: againAt }: Row,
  outcome: Parameters<WebhookStore['tried']>[3],
): readonly [Delivery['state'], number | null] {
  const isWaiting = state === 'waiting';
  if (isWaiting && againAt !== null) return ['waiting', Number(againAt)];
  if (typeof outcome === 'string') return [outcome, null];
  return isWaiting ? ['waiting', outcome.nextTryAt] : ['given-up', null];
}

export function listDeliveries(
  sql: Sql,
  principal: string,
  endpoint: string,
  after: string | undefined,
  limit: number,
): readonly Delivery[] {
  const find = 'SELECT created_at FROM deliveries WHERE id = ? AND endpoint = ? AND principal = ?';
  const last = after === undefined ? undefined : sql.prepare(find).get(after, endpoint, principal);
  if (after !== undefined && last === undefined) return [];
  const rows = sql
    .prepare(
      `SELECT * FROM deliveries WHERE endpoint = ? AND principal = ? AND (created_at, id) < (?, ?)
       ORDER BY created_at DESC, id DESC LIMIT ?`,
    )
    .all(endpoint, principal, last === undefined ? Number.MAX_SAFE_INTEGER : Number(last.created_at), after ?? '', limit);
  return rows.map(deliveryOf);
}

export function sendAgain(sql: Sql, principal: string, id: string, at: number): Awaited<ReturnType<WebhookStore['redeliver']>> {
  const row = sql
    .prepare(
      `SELECT disabled_at FROM deliveries JOIN webhooks ON webhooks.id = deliveries.endpoint
       WHERE deliveries.id = ? AND deliveries.principal = ?`,
    )
    .get(id, principal);
  if (row === undefined) return undefined;
  if (row.disabled_at !== null) return 'endpoint-disabled';
  const isSent =
    sql.prepare('SELECT 1 FROM deliveries WHERE id = ? AND leased_by IS NOT NULL AND next_try_at > ?').get(id, at) !== undefined;
  const asked = isSent ? 'again_at = ?' : 'next_try_at = ?, leased_by = NULL';
  sql.prepare(`UPDATE deliveries SET state = 'waiting', ${asked} WHERE id = ?`).run(at, id);
  return 'queued';
}

/** Of an endpoint that was disabled. What is being sent holds its place until it ends. */
export function giveUpWaiting(sql: Sql, endpoint: string): void {
  sql
    .prepare(
      `UPDATE deliveries SET state = 'given-up', again_at = NULL, next_try_at = CASE WHEN leased_by IS NULL THEN NULL ELSE next_try_at END
       WHERE endpoint = ? AND state = 'waiting'`,
    )
    .run(endpoint);
}

export function sweepDeliveries(sql: Sql, before: number, most: number): number {
  const { changes } = sql
    .prepare(
      `DELETE FROM deliveries WHERE rowid IN
         (SELECT rowid FROM deliveries WHERE state <> 'waiting' AND created_at < ? ORDER BY created_at LIMIT ?)`,
    )
    .run(before, most);
  return Number(changes);
}

export function triesOf(row: Row): readonly DeliveryTry[] {
  return TriesSchema.parse(JSON.parse(String(row.tries)));
}

export function deliveryOf(row: Row): Delivery {
  const state = StateSchema.parse(row.state);
  return {
    id: String(row.id),
    endpoint: String(row.endpoint),
    principal: String(row.principal),
    job: row.job === null ? undefined : String(row.job),
    event: EventSchema.parse(row.event),
    body: String(row.body),
    createdAt: Number(row.created_at),
    tries: triesOf(row),
    state,
    nextTryAt: state !== 'waiting' || row.next_try_at === null ? undefined : Number(row.next_try_at),
  };
}
