// Webhooks on PostgreSQL. Whoever tells of a job's change holds its endpoints still for as long as its transaction lasts, so
// nothing is queued for an endpoint that is being removed or disabled. Senders take what is due one after another: what all of
// them hold of one endpoint is bounded, and that cannot be counted while another counts.
import type { Job, JobEvent } from '../../../domain/job.ts';
import { type Delivery, type DeliveryTry, MOST_TRIES_KEPT, type WebhookEndpoint, type WebhookStore } from '../../../jobs/webhook-store.ts';
import { deliveryFor } from '../../../jobs/webhooks/delivery.ts';
import { afterTry, deliveryOf, triesOf } from '../deliveries-sql.ts';
import { endpointOf } from '../webhooks-sql.ts';
import type { Database, Run } from './database.ts';
import type { Postgres } from './postgres.ts';

/** Queues what the jobs' owners are to be told. To be called in the transaction that wrote the events. */
export async function queueDeliveries(run: Run, news: readonly { readonly job: Job; readonly event: JobEvent }[]): Promise<void> {
  const principals = [...new Set(news.map(({ job }) => job.principal))];
  if (principals.length === 0) return;
  const rows = await run('SELECT * FROM image_router.webhooks WHERE principal = ANY($1) ORDER BY created_at, id FOR SHARE', [principals]);
  const endpoints = rows.map(endpointOf);
  const deliveries = news.flatMap(({ job, event }) =>
    endpoints.filter(({ principal }) => principal === job.principal).flatMap((endpoint) => deliveryFor(endpoint, job, event) ?? []),
  );
  await insertDeliveries(run, deliveries);
}

/** Those that are there already stay as they are. */
async function insertDeliveries(run: Run, deliveries: readonly Delivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  await run(
    `INSERT INTO image_router.deliveries (id, endpoint, principal, job, event, body, created_at, state, next_try_at, tries)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::text[])
     ON CONFLICT DO NOTHING`,
    [
      deliveries.map(({ id }) => id),
      deliveries.map(({ endpoint }) => endpoint),
      deliveries.map(({ principal }) => principal),
      deliveries.map(({ job }) => job ?? null),
      deliveries.map(({ event }) => event),
      deliveries.map(({ body }) => body),
      deliveries.map(({ createdAt }) => createdAt),
      deliveries.map(({ state }) => state),
      deliveries.map(({ nextTryAt }) => nextTryAt ?? null),
      deliveries.map(({ tries }) => JSON.stringify(tries)),
    ],
  );
}

/**
 * Of each endpoint no more than all senders together may hold, of each principal no more than this one may; of all of them the
 * longest due. A long backlog is skipped, not read.
 */
const TAKE_DUE = `
  WITH RECURSIVE waiting AS (
    (SELECT endpoint FROM image_router.deliveries WHERE state = 'waiting' ORDER BY endpoint LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint FROM image_router.deliveries d WHERE d.state = 'waiting' AND d.endpoint > w.endpoint ORDER BY d.endpoint LIMIT 1)
    FROM waiting w WHERE w.endpoint IS NOT NULL
  ), found AS (
    SELECT due.id, due.next_try_at AS since, row_number() OVER (PARTITION BY due.principal ORDER BY due.next_try_at) AS of_principal,
      due.principal FROM waiting w
    CROSS JOIN LATERAL (
      SELECT count(*) AS held FROM image_router.deliveries l WHERE l.endpoint = w.endpoint AND l.leased_by IS NOT NULL AND l.next_try_at > $4
    ) leases
    CROSS JOIN LATERAL (
      SELECT d.id, d.principal, d.next_try_at, row_number() OVER (ORDER BY d.next_try_at) AS place FROM (
        SELECT id, principal, next_try_at FROM image_router.deliveries WHERE state = 'waiting' AND endpoint = w.endpoint AND next_try_at <= $4
        ORDER BY next_try_at LIMIT $3
      ) d
    ) due
    WHERE due.place <= $3 - leases.held
  ), within AS (
    SELECT found.id, found.since FROM found LEFT JOIN unnest($7::text[], $8::int[]) AS held (principal, places) USING (principal)
    WHERE found.of_principal <= $6 - coalesce(held.places, 0) ORDER BY since LIMIT $2
  )
  UPDATE image_router.deliveries d SET leased_by = $1, next_try_at = $5, again_at = NULL FROM within WHERE d.id = within.id RETURNING d.*, within.since`;

export class PostgresWebhooks implements WebhookStore {
  readonly #database: Database;

  constructor({ database }: Postgres) {
    this.#database = database;
  }

  async addEndpoint({ id, principal, url, events, secrets, createdAt, disabled }: WebhookEndpoint, most: number): Promise<boolean> {
    return await this.#database.transaction(async (run) => {
      await lock(run, `endpoints of ${principal}`);
      const added = await run(
        `INSERT INTO image_router.webhooks SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE (SELECT count(*) FROM image_router.webhooks WHERE principal = $2) < $9 RETURNING id`,
        [...[id, principal, url, JSON.stringify(events), JSON.stringify(secrets), createdAt], disabled?.at, disabled?.reason, most],
      );
      return added.length === 1;
    });
  }

  async endpoint(principal: string, id: string): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.#database.run('SELECT * FROM image_router.webhooks WHERE id = $1 AND principal = $2', [id, principal]);
    return row && endpointOf(row);
  }

  async endpoints(principal: string): Promise<readonly WebhookEndpoint[]> {
    const text = 'SELECT * FROM image_router.webhooks WHERE principal = $1 ORDER BY created_at, id';
    return (await this.#database.run(text, [principal])).map(endpointOf);
  }

  changeEndpoint(...[principal, id, change]: Parameters<WebhookStore['changeEndpoint']>): Promise<WebhookEndpoint | undefined> {
    return this.#database.transaction(async (run) => {
      const [row] = await run('SELECT * FROM image_router.webhooks WHERE id = $1 AND principal = $2 FOR UPDATE', [id, principal]);
      if (row === undefined) return undefined;
      const before = endpointOf(row);
      const { url, events, secrets, disabled } = change(before);
      await run(
        'UPDATE image_router.webhooks SET url = $2, events = $3, secrets = $4, disabled_at = $5, disabled_reason = $6 WHERE id = $1',
        [id, url, JSON.stringify(events), JSON.stringify(secrets), disabled?.at, disabled?.reason],
      );
      if (disabled !== undefined) {
        // What is being sent holds its place until it ends.
        await run(
          `UPDATE image_router.deliveries SET state = 'given-up', again_at = NULL,
             next_try_at = CASE WHEN leased_by IS NULL THEN NULL ELSE next_try_at END
           WHERE endpoint = $1 AND state = 'waiting'`,
          [id],
        );
      }
      return { ...before, url, events, secrets, disabled };
    });
  }

  async removeEndpoint(principal: string, id: string): Promise<boolean> {
    const text = 'DELETE FROM image_router.webhooks WHERE id = $1 AND principal = $2 RETURNING id';
    return (await this.#database.run(text, [id, principal])).length === 1;
  }

  async addDelivery(delivery: Delivery): Promise<void> {
    await insertDeliveries((text, values) => this.#database.run(text, values), [delivery]);
  }

  async due(...[sender, query]: Parameters<WebhookStore['due']>): ReturnType<WebhookStore['due']> {
    const { most, perEndpoint, share = { most, held: new Map<string, number>() }, at, leaseMs } = query;
    const isAnyDue = "SELECT 1 AS due FROM image_router.deliveries WHERE state = 'waiting' AND next_try_at <= $1 LIMIT 1";
    if ((await this.#database.run(isAnyDue, [at])).length === 0) return [];
    return await this.#database.transaction(async (run) => {
      await lock(run, 'deliveries that are due');
      const taken = [
        ...(await run(TAKE_DUE, [
          sender,
          most,
          perEndpoint,
          at,
          at + leaseMs,
          share.most,
          [...share.held.keys()],
          [...share.held.values()],
        ])),
      ];
      taken.sort((a, b) => Number(a.since) - Number(b.since));
      const rows = await run('SELECT * FROM image_router.webhooks WHERE id = ANY($1)', [taken.map(({ endpoint }) => endpoint)]);
      const endpoints = new Map(rows.map((row) => [row.id, endpointOf(row)]));
      return taken.flatMap((row) => {
        const endpoint = endpoints.get(row.endpoint);
        return endpoint === undefined ? [] : [{ delivery: deliveryOf({ ...row, next_try_at: row.since }), endpoint }];
      });
    });
  }

  async tried(...[sender, id, attempt, outcome]: Parameters<WebhookStore['tried']>): Promise<void> {
    await this.#database.transaction(async (run) => {
      const find = 'SELECT tries, state, again_at FROM image_router.deliveries WHERE id = $1 AND leased_by = $2 FOR UPDATE';
      const [row] = await run(find, [id, sender]);
      if (row === undefined) return;
      const tries: readonly DeliveryTry[] = [...triesOf(row), attempt].slice(-MOST_TRIES_KEPT);
      const [state, next] = afterTry(row, outcome);
      await run(
        `UPDATE image_router.deliveries SET tries = $2, state = $3, next_try_at = $4, again_at = NULL, leased_by = NULL WHERE id = $1`,
        [id, JSON.stringify(tries), state, next],
      );
    });
  }

  async deliveries(principal: string, endpoint: string, after: string | undefined, limit: number): Promise<readonly Delivery[]> {
    const find = 'SELECT created_at FROM image_router.deliveries WHERE id = $1 AND endpoint = $2 AND principal = $3';
    const [last] = await this.#database.run(find, [after ?? '', endpoint, principal]);
    if (after !== undefined && last === undefined) return [];
    const rows = await this.#database.run(
      `SELECT * FROM image_router.deliveries WHERE endpoint = $1 AND principal = $2 AND (created_at, id) < ($3, $4)
       ORDER BY created_at DESC, id DESC LIMIT $5`,
      [endpoint, principal, last === undefined ? Number.MAX_SAFE_INTEGER : last.created_at, after ?? '', limit],
    );
    return rows.map(deliveryOf);
  }

  async redeliver(principal: string, delivery: string, at: number): ReturnType<WebhookStore['redeliver']> {
    return await this.#database.transaction(async (run) => {
      const [row] = await run(
        `SELECT w.disabled_at FROM image_router.deliveries d JOIN image_router.webhooks w ON w.id = d.endpoint
         WHERE d.id = $1 AND d.principal = $2 FOR SHARE OF w`,
        [delivery, principal],
      );
      if (row === undefined) return undefined;
      if (row.disabled_at !== null) return 'endpoint-disabled';
      // One that is being sent holds its place, and is sent again afterwards: in one statement, for it may be taken meanwhile.
      await run(
        `UPDATE image_router.deliveries SET state = 'waiting',
           again_at = CASE WHEN leased_by IS NOT NULL AND next_try_at > $2 THEN $2 END,
           leased_by = CASE WHEN next_try_at > $2 THEN leased_by END,
           next_try_at = CASE WHEN leased_by IS NOT NULL AND next_try_at > $2 THEN next_try_at ELSE $2 END
         WHERE id = $1`,
        [delivery, at],
      );
      return 'queued';
    });
  }

  async sweepDeliveries(before: number, most: number): Promise<number> {
    const swept = await this.#database.run(
      `DELETE FROM image_router.deliveries WHERE id IN (
         SELECT id FROM image_router.deliveries WHERE state <> 'waiting' AND created_at < $1 ORDER BY created_at LIMIT $2
       ) RETURNING id`,
      [before, most],
    );
    return swept.length;
  }

  async forget(principal: string): Promise<void> {
    await this.#database.run('DELETE FROM image_router.webhooks WHERE principal = $1', [principal]);
  }
}

async function lock(run: Run, what: string): Promise<void> {
  await run("SELECT pg_advisory_xact_lock(hashtextextended('image_router ' || $1, 0))", [what]);
}
