// A router with fake providers on a clock moved by hand: everything real but the wire and the time.
import { afterEach, beforeEach, vi } from 'vitest';
import type { ImageRouterError } from '../../src/domain/error.ts';
import { createImageRouter, type ImageRequest, type ImageResult, type ImageRouter, type RouterOptions } from '../../src/index.ts';
import type { GenerateOptions } from '../../src/router/image-router.ts';
import { seededRandom } from '../../src/system/random.ts';
import type { RouterEvent } from '../../src/telemetry/event.ts';
import type { HealthNews } from '../../src/telemetry/health-news.ts';
import { FakeProvider, settled } from './fake-providers.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/** opossum keeps time by the machine's timers: they stand still too, and move with the world. */
export function useWorlds(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

export const ENDPOINTS: RouterOptions['endpoints'] = [
  { id: 'openai', provider: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k' },
  { id: 'google', provider: 'google', baseUrl: 'http://127.0.0.1:9', apiKey: 'k' },
];

export type Outcome = { result?: ImageResult; error?: ImageRouterError };

export class World {
  readonly clock: ManualClock = manualClock();
  readonly openai = new FakeProvider();
  readonly google = new FakeProvider();
  readonly told: RouterEvent[] = [];
  readonly router: ImageRouter;

  constructor(options: Partial<RouterOptions> = {}, news?: HealthNews) {
    const doors = {
      clock: this.clock,
      random: seededRandom('router test'),
      providers: { openai: this.openai, google: this.google },
      listener: (event: RouterEvent) => this.told.push(event),
      ...(news === undefined ? {} : { news }),
    };
    this.router = createImageRouter({ endpoints: ENDPOINTS, ...options }, doors);
  }

  /** Starts a request; the outcome fills in when it ends. */
  async start(request: Partial<ImageRequest> = {}, options: AbortSignal | GenerateOptions = {}): Promise<Outcome> {
    const outcome: Outcome = {};
    void this.router.generate({ prompt: 'a red fox', ...request }, options instanceof AbortSignal ? { signal: options } : options).then(
      (result) => {
        outcome.result = result;
      },
      (error: ImageRouterError) => {
        outcome.error = error;
      },
    );
    await settled();
    return outcome;
  }

  /** Moves time in small steps, letting promises settle in between, as a real loop would. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      this.clock.advance(Math.min(500, left));
      await vi.advanceTimersByTimeAsync(Math.min(500, left));
      await settled();
    }
  }
}
