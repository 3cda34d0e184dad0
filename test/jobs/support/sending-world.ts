// A sender of webhooks over a real store, on a clock that moves when told to: what takes days takes no time.
import { onTestFinished } from 'vitest';
import type { Job } from '../../../src/domain/job.ts';
import { openSqliteFile } from '../../../src/gateway/store/sqlite-file.ts';
import { queueDeliveries, SqliteWebhooks } from '../../../src/gateway/store/sqlite-webhooks.ts';
import { type Delivery, WEBHOOK_EVENTS, type WebhookEndpoint, type WebhookStore } from '../../../src/jobs/webhook-store.ts';
import { newSecret } from '../../../src/jobs/webhooks/secret.ts';
import { type SenderOptions, WebhookSender } from '../../../src/jobs/webhooks/sender.ts';
import { DEFAULT_WEBHOOKS, type WebhookSettings } from '../../../src/jobs/webhooks/settings.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import type { Doors } from '../../../src/system/network/guarded-connector.ts';
import { seededRandom } from '../../../src/system/random.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { dataFolder } from '../../gateway/support/state-world.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { aJob, PICTURE } from './a-job.ts';

type Told = Parameters<NonNullable<SenderOptions['onTry']>>[0];

type Tell = (job: Job, seq: number, at: number) => Promise<void>;

/** Nobody is to be resolved or dialled. */
const NO_DOORS: Doors = {
  resolve: () => Promise.reject(new Error('nobody is asked')),
  dial: () => Promise.reject(new Error('nobody is dialled')),
};

export class SendingWorld {
  readonly clock: ManualClock;
  readonly store: WebhookStore;
  readonly sender: WebhookSender;
  readonly told: Told[] = [];
  readonly troubles: unknown[] = [];
  readonly #tell: Tell;
  #expected: { readonly count: number; readonly resolve: () => void } | undefined;
  #seq = 0;

  private constructor(
    store: WebhookStore,
    clock: ManualClock,
    tell: Tell,
    about: { readonly changes: Partial<WebhookSettings>; readonly doors: Doors; readonly publicUrl: string | undefined },
  ) {
    this.clock = clock;
    this.store = store;
    this.#tell = tell;
    this.sender = new WebhookSender({
      store,
      name: 'sender',
      settings: () => ({ ...DEFAULT_WEBHOOKS, allowInsecureLoopback: true, ...about.changes }),
      publicUrl: () => about.publicUrl,
      doors: about.doors,
      clock,
      random: seededRandom('webhooks'),
      receiversClock: systemClock(1),
      onTry: (told) => {
        this.told.push(told);
        if (this.told.length >= (this.#expected?.count ?? Infinity)) this.#expected?.resolve();
      },
      onTrouble: (error) => this.troubles.push(error),
    });
  }

  /** Gone when the test is over. */
  static async open(changes: Partial<WebhookSettings> = {}, doors: Doors = NO_DOORS, publicUrl?: string): Promise<SendingWorld> {
    const file = openSqliteFile({ dataDir: await dataFolder(), clock: systemClock(1), owner: 'one' });
    const tell: Tell = (job, seq, at) => file.write((sql) => queueDeliveries(sql, job, { seq, at, kind: 'job.completed', data: {} }));
    const world = new SendingWorld(new SqliteWebhooks(file), manualClock(1), tell, { changes, doors, publicUrl });
    onTestFinished(async () => {
      await world.sender.close();
      file.close();
    });
    return world;
  }

  get now(): number {
    return this.clock.wall().getTime();
  }

  async endpoint(url: string, changes: Partial<WebhookEndpoint> = {}): Promise<WebhookEndpoint> {
    const endpoint: WebhookEndpoint = {
      id: systemIds().next('wh'),
      principal: 'key',
      url,
      events: WEBHOOK_EVENTS,
      secrets: [{ secret: newSecret(systemSecrets()), validUntil: undefined }],
      createdAt: this.now,
      disabled: undefined,
      ...changes,
    };
    await this.store.addEndpoint(endpoint, 100);
    return endpoint;
  }

  /** A job of that principal is completed; returns when it is on disk. */
  async complete(principal = 'key'): Promise<void> {
    this.#seq += 1;
    await this.#tell(aJob({ principal, state: 'completed', previews: [PICTURE], images: [PICTURE] }), this.#seq, this.now);
    this.sender.wake();
  }

  /** Resolves once so many tries have been written down, from the beginning. */
  async tries(count: number): Promise<readonly Told[]> {
    if (this.told.length < count) await new Promise<void>((resolve) => (this.#expected = { count, resolve }));
    return this.told;
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    this.sender.wake();
  }

  async deliveriesOf(endpoint: WebhookEndpoint): Promise<readonly Delivery[]> {
    return this.store.deliveries(endpoint.principal, endpoint.id, undefined, 100);
  }
}
