// Sends what webhook endpoints are to be told. What is due is taken from the store under a lease, so that any number of
// processes send side by side and one that dies loses nothing; how a try went is written down before its place is free. At
// least once: what was sent and could not be written down is sent again, under the same id. Tries are bounded over all and for
// each endpoint, in the store's own count, so that a receiver that hangs holds up nobody but itself; and for each principal, in
// the sender's, which also knows of calls whose endpoint was removed meanwhile.
import { type Clock, systemClock } from '../../system/clock.ts';
import type { Doors } from '../../system/network/guarded-connector.ts';
import type { Random } from '../../system/random.ts';
import type { Delivery, DeliveryTry, WebhookEndpoint, WebhookStore } from '../webhook-store.ts';
import { type Posted, post } from './post.ts';
import { withPublicLinks } from './public-links.ts';
import { retryDelayMs } from './schedule.ts';
import { signedHeaders } from './secret.ts';
import type { WebhookSettings } from './settings.ts';

export type TryOutcome = 'delivered' | 'to-be-retried' | 'given-up' | 'endpoint-disabled';

export type SenderOptions = {
  readonly store: WebhookStore;
  /** This process's name among senders. */
  readonly name: string;
  readonly settings: () => WebhookSettings;
  /** Where others reach the gateway; undefined: links are told as paths. */
  readonly publicUrl?: () => string | undefined;
  readonly doors: Doors;
  /** The world's: deliveries are due by it. */
  readonly clock: Clock;
  readonly random: Random;
  /** What receivers' clocks show: never scaled. Default: the machine's. */
  readonly receiversClock?: Clock;
  /** Hears of every try that was written down. */
  readonly onTry?: (told: { readonly delivery: Delivery; readonly attempt: DeliveryTry; readonly outcome: TryOutcome }) => void;
  /** Hears of a store that cannot be asked or written to. */
  readonly onTrouble?: (error: unknown) => void;
};

/** Real milliseconds between looks at the store when nobody says that there is something. */
const LOOK_MS = 1_000;
/** Beyond a try's own limit, for writing down how it went. */
const LEASE_SPARE_MS = 40_000;
/** Real milliseconds that running tries get when the sender closes. */
const CLOSE_MS = 5_000;

export class WebhookSender {
  readonly #options: SenderOptions;
  readonly #receiversClock: Clock;
  readonly #running = new Set<Promise<void>>();
  /** Places of each principal. */
  readonly #held = new Map<string, number>();
  readonly #stop = new AbortController();
  #isWoken = false;
  #wakeUp: (() => void) | undefined;
  #isClosing = false;
  #loop: Promise<void> | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#receiversClock = options.receiversClock ?? (options.clock.speed === 1 ? options.clock : systemClock(1));
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Looks at once: something was queued. Without it, it is seen within a second. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp?.();
  }

  /** Takes nothing any more; what runs may end, then is given up and due again at once, for others. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.wake();
    await this.#loop;
    const { clock } = this.#options;
    const stopTimer = clock.timer(CLOSE_MS * clock.speed, () => this.#stop.abort());
    await Promise.all(this.#running);
    stopTimer();
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      this.#isWoken = false;
      const room = this.#options.settings().concurrency - this.#running.size;
      const taken = room > 0 ? await this.#take(room) : [];
      for (const { delivery, endpoint } of taken) this.#begin(delivery, endpoint);
      // Where there was room for more there is nothing more that is due.
      if (taken.length < room || room <= 0) await this.#untilWoken();
    }
  }

  async #take(most: number): ReturnType<WebhookStore['due']> {
    const { store, name, settings, clock, onTrouble } = this.#options;
    const { perEndpoint, endpointsPerKey, timeoutMs } = settings();
    const share = { most: perEndpoint * endpointsPerKey, held: this.#held };
    try {
      return await store.due(name, { most, perEndpoint, share, at: this.#now(), leaseMs: (timeoutMs + LEASE_SPARE_MS) * clock.speed });
    } catch (error) {
      onTrouble?.(error);
      return [];
    }
  }

  #begin(delivery: Delivery, endpoint: WebhookEndpoint): void {
    this.#hold(endpoint.principal, 1);
    const running = this.#send(delivery, endpoint)
      .catch((error: unknown) => this.#options.onTrouble?.(error))
      .finally(() => {
        this.#running.delete(running);
        this.#hold(endpoint.principal, -1);
        this.wake();
      });
    this.#running.add(running);
  }

  #hold(principal: string, more: 1 | -1): void {
    const places = (this.#held.get(principal) ?? 0) + more;
    if (places === 0) this.#held.delete(principal);
    else this.#held.set(principal, places);
  }

  async #send(delivery: Delivery, endpoint: WebhookEndpoint): Promise<void> {
    const { store, name, clock, settings, doors, onTry } = this.#options;
    const at = this.#now();
    const begun = clock.now();
    const posted = await this.#post(delivery, endpoint, { ...settings(), clock, doors }, at);
    const attempt = { at, ...posted, tookMs: Math.round((clock.now() - begun) / clock.speed) };
    const isGone = posted.status === 410 && (await this.#disable(endpoint));
    const [outcome, next] = this.#outcomeOf(delivery, endpoint, posted, isGone);
    await store.tried(name, delivery.id, attempt, next);
    onTry?.({ delivery, attempt, outcome });
  }

  async #post(delivery: Delivery, endpoint: WebhookEndpoint, rules: Parameters<typeof post>[3], at: number): Promise<Posted> {
    if (endpoint.disabled !== undefined) return { status: undefined, failure: 'the endpoint is disabled' };
    const body = withPublicLinks(delivery.body, this.#options.publicUrl?.());
    const headers = signedHeaders({ ...delivery, body }, endpoint, at, this.#receiversClock);
    return post(endpoint.url, headers, body, rules, this.#stop.signal);
  }

  #outcomeOf(
    { tries }: Delivery,
    { disabled }: WebhookEndpoint,
    { status, failure }: Posted,
    isGone: boolean,
  ): readonly [TryOutcome, Parameters<WebhookStore['tried']>[3]] {
    if (failure === undefined) return ['delivered', 'delivered'];
    if (isGone || disabled !== undefined) return ['endpoint-disabled', 'given-up'];
    // It was our doing, or an address said it that is no longer the receiver's: it costs the delivery no delay.
    if (this.#stop.signal.aborted || status === 410) return ['to-be-retried', { nextTryAt: this.#now() }];
    const { random, clock } = this.#options;
    const delayMs = retryDelayMs(tries.length + 1, random);
    if (delayMs === undefined) return ['given-up', 'given-up'];
    return ['to-be-retried', { nextTryAt: this.#now() + delayMs * clock.speed }];
  }

  /** 410 says that nothing is wanted there any more. Its owner may enable it again. False: its URL is another by now, which said nothing. */
  async #disable({ principal, id, url }: WebhookEndpoint): Promise<boolean> {
    const gone = { at: this.#now(), reason: 'the receiver answered 410' };
    const changed = await this.#options.store.changeEndpoint(principal, id, (now) => ({
      ...now,
      disabled: now.disabled ?? (now.url === url ? gone : undefined),
    }));
    return changed === undefined || changed.disabled !== undefined;
  }

  async #untilWoken(): Promise<void> {
    if (this.#isWoken || this.#isClosing) return;
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stopTimer = clock.timer(LOOK_MS * clock.speed, resolve, { background: true });
    this.#wakeUp = resolve;
    await promise;
    this.#wakeUp = undefined;
    stopTimer();
  }

  /** World milliseconds since 1970. */
  #now(): number {
    return this.#options.clock.wall().getTime();
  }
}
