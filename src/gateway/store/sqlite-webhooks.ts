// Webhooks in the embedded store. Deliveries are queued by whoever changes a job, in the same transaction: `queueDeliveries`.
import type { Job, JobEvent } from '../../domain/job.ts';
import type { Delivery, WebhookEndpoint, WebhookStore } from '../../jobs/webhook-store.ts';
import { deliveryFor } from '../../jobs/webhooks/delivery.ts';
import { insertDelivery, isAnyDue, listDeliveries, recordTry, sendAgain, sweepDeliveries, takeDue } from './deliveries-sql.ts';
import type { Sql } from './sql.ts';
import type { SqliteFile } from './sqlite-file.ts';
import {
  changeEndpoint,
  endpointById,
  findEndpoint,
  forgetPrincipal,
  insertEndpoint,
  listEndpoints,
  removeEndpoint,
} from './webhooks-sql.ts';

/** Queues what the job's owner is to be told of this event. To be called in the transaction that writes it. */
export function queueDeliveries(sql: Sql, job: Job, event: JobEvent): void {
  for (const endpoint of listEndpoints(sql, job.principal)) {
    const delivery = deliveryFor(endpoint, job, event);
    if (delivery !== undefined) insertDelivery(sql, delivery);
  }
}

export class SqliteWebhooks implements WebhookStore {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  addEndpoint(endpoint: WebhookEndpoint, most: number): Promise<boolean> {
    return this.#file.write((sql) => insertEndpoint(sql, endpoint, most));
  }

  endpoint(principal: string, id: string): Promise<WebhookEndpoint | undefined> {
    return this.#file.read((sql) => findEndpoint(sql, principal, id));
  }

  endpoints(principal: string): Promise<readonly WebhookEndpoint[]> {
    return this.#file.read((sql) => listEndpoints(sql, principal));
  }

  changeEndpoint(...[principal, id, change]: Parameters<WebhookStore['changeEndpoint']>): Promise<WebhookEndpoint | undefined> {
    return this.#file.write((sql) => changeEndpoint(sql, principal, id, change));
  }

  removeEndpoint(principal: string, id: string): Promise<boolean> {
    return this.#file.write((sql) => removeEndpoint(sql, principal, id));
  }

  addDelivery(delivery: Delivery): Promise<void> {
    return this.#file.write((sql) => insertDelivery(sql, delivery));
  }

  async due(...[sender, query]: Parameters<WebhookStore['due']>): ReturnType<WebhookStore['due']> {
    if (!(await this.#file.read((sql) => isAnyDue(sql, query.at)))) return [];
    return this.#file.write((sql) => takeDue(sql, sender, query, (id) => endpointById(sql, id)));
  }

  tried(...[sender, delivery, attempt, outcome]: Parameters<WebhookStore['tried']>): Promise<void> {
    return this.#file.write((sql) => recordTry(sql, sender, delivery, attempt, outcome));
  }

  deliveries(principal: string, endpoint: string, after: string | undefined, limit: number): Promise<readonly Delivery[]> {
    return this.#file.read((sql) => listDeliveries(sql, principal, endpoint, after, limit));
  }

  redeliver(principal: string, delivery: string, at: number): ReturnType<WebhookStore['redeliver']> {
    return this.#file.write((sql) => sendAgain(sql, principal, delivery, at));
  }

  sweepDeliveries(before: number, most: number): Promise<number> {
    return this.#file.write((sql) => sweepDeliveries(sql, before, most));
  }

  forget(principal: string): Promise<void> {
    return this.#file.write((sql) => forgetPrincipal(sql, principal));
  }
}
