// Batches in memory, for tests of HTTP: what the port promises, but for the money, which no reservation stands behind here.
import type { Batch, BatchRow } from '../../../src/domain/batch.ts';
import type { BatchStore, ListBatches } from '../../../src/jobs/batch-store.ts';

export class MemoryBatches implements BatchStore {
  readonly kept = new Map<string, { batch: Batch; readonly rows: readonly BatchRow[] }>();
  /** What `accept` rejects with. */
  trouble: Error | undefined;

  async accept(batch: Parameters<BatchStore['accept']>[0], rows: readonly BatchRow[]): Promise<void> {
    if (this.trouble !== undefined) throw this.trouble;
    this.kept.set(batch.id, { batch: { ...batch, state: 'running', fed: 0, endedAt: undefined }, rows });
  }

  async isAccepted(principal: string, id: string): Promise<boolean> {
    return (await this.find(principal, id)) !== undefined;
  }

  async find(principal: string, id: string): Promise<Batch | undefined> {
    const batch = this.kept.get(id)?.batch;
    return batch?.principal === principal ? batch : undefined;
  }

  async list({ principal, after, limit }: ListBatches): Promise<readonly Batch[]> {
    return [...this.kept.values()]
      .map(({ batch }) => batch)
      .filter((batch) => batch.principal === principal)
      .filter(({ createdAt, id }) => after === undefined || createdAt < after.createdAt || (createdAt === after.createdAt && id < after.id))
      .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      .slice(0, limit);
  }

  async rows(batch: string, after: number, limit: number): Promise<readonly BatchRow[]> {
    return this.kept.get(batch)?.rows.slice(after, after + limit) ?? [];
  }

  async open(): Promise<readonly Batch[]> {
    return [...this.kept.values()].map(({ batch }) => batch).filter(({ endedAt }) => endedAt === undefined);
  }

  async advance(batch: string, fed: number): Promise<void> {
    this.#change(batch, (now) => ({ ...now, fed: Math.max(now.fed, fed) }));
  }

  async cancel(principal: string, id: string): Promise<Batch | undefined> {
    const batch = await this.find(principal, id);
    if (batch?.state === 'running') this.#change(id, (now) => ({ ...now, state: 'cancelling' }));
    return this.find(principal, id);
  }

  async end(batch: string, state: 'completed' | 'cancelled', at: number): Promise<void> {
    this.#change(batch, (now) => (now.endedAt === undefined ? { ...now, state, endedAt: at } : now));
  }

  async sweep(): Promise<number> {
    return 0;
  }

  async forget(principal: string): Promise<void> {
    for (const [id, { batch }] of this.kept) if (batch.principal === principal) this.kept.delete(id);
  }

  #change(id: string, change: (batch: Batch) => Batch): void {
    const kept = this.kept.get(id);
    if (kept !== undefined) kept.batch = change(kept.batch);
  }
}
