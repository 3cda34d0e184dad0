// A router whose requests end when a test says so: for laws about who waits, leaves, repeats and pays, where no picture and
// no latency matters. It keeps the router's promises: it rejects with ImageRouterError only, and soon after an abort.
import { ImageRouterError } from '../../../src/domain/error.ts';
import type { MicroUsd } from '../../../src/domain/money.ts';
import type { Need } from '../../../src/domain/need.ts';
import type { ImageResult } from '../../../src/domain/result.ts';
import type { TargetId } from '../../../src/domain/route.ts';
import type { TraceEvent } from '../../../src/domain/trace.ts';
import type { GenerateOptions, ImageRequest, ImageRouter, TargetHealth } from '../../../src/index.ts';
import { needOf, targetNamed } from '../../support/worlds.ts';

const ROUTE = 'gpt-image-2-low';
export const PRICE = 5_900 as MicroUsd;

export type StubCall = {
  readonly request: ImageRequest;
  readonly options: GenerateOptions;
  isAborted: boolean;
  /** As the router tells before it sends its first call. */
  begin(): void;
  /** `encoded`: the base64 of each picture, as ASCII. */
  deliver(...encoded: readonly Uint8Array[]): void;
  fail(code: ImageRouterError['code'], wasBilled?: boolean): void;
};

export class StubRouter implements ImageRouter {
  readonly calls: StubCall[] = [];

  generate(request: ImageRequest, options: GenerateOptions = {}): Promise<ImageResult> {
    const id = `req_stub${this.calls.length}`;
    const { promise, resolve, reject } = Promise.withResolvers<ImageResult>();
    const fail = (code: ImageRouterError['code'], wasBilled = true): void => {
      const trace = { requestId: id, events: wasBilled ? [startOf(), endOf('failed')] : [] };
      reject(new ImageRouterError(code, `stub: ${code}`, { trace }));
    };
    if (options.signal?.aborted) {
      fail('cancelled', false);
      return promise;
    }
    const call: StubCall = {
      request,
      options,
      isAborted: false,
      begin: () => options.onEvent?.(startOf()),
      deliver: (...encoded) => resolve(resultOf(id, encoded.length === 0 ? [PIXEL] : encoded)),
      fail,
    };
    options.signal?.addEventListener('abort', () => {
      call.isAborted = true;
      fail('cancelled');
    });
    this.calls.push(call);
    return promise;
  }

  stream(): never {
    throw new Error('the gateway uses generate');
  }

  batch(): never {
    throw new Error('the gateway uses generate');
  }

  explain(): never {
    throw new Error('nothing is explained here');
  }

  health(): readonly TargetHealth[] {
    return [HEALTHY];
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {}
}

const HEALTHY: TargetHealth = {
  target: targetNamed(ROUTE),
  route: ROUTE as TargetHealth['route'],
  tier: 'preview',
  operation: 'generate',
  admission: { kind: 'closed' },
  latencyMsP50: 10_000,
  latencyMsP95: 20_000,
  drift: 1,
  observations: 0,
  success: 0.97,
  inFlight: 0,
  oldestMs: undefined,
  silence: 0,
  silent: false,
  notBefore: undefined,
  running: 0,
  waiting: 0,
};

/** A red dot, as a provider would write it. */
export const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'latin1',
);

export function resultOf(id: string, encoded: readonly Uint8Array[]): ImageResult {
  const need: Need = needOf({ tier: 'preview' });
  const [route] = targetNamed(ROUTE).split('@');
  const image = (bytes: Uint8Array): ImageResult['images'][number] => ({
    encoded: bytes,
    get bytes(): Uint8Array {
      throw new Error('decoding megabytes that only pass through is waste');
    },
    format: 'png',
    mediaType: 'image/png',
    width: 1024,
    height: 1024,
    route: route as ImageResult['route'],
  });
  return {
    id,
    images: encoded.map(image),
    route: route as ImageResult['route'],
    target: targetNamed(ROUTE),
    tier: 'preview',
    need,
    degraded: undefined,
    warnings: [],
    cost: { billed: PRICE, possiblyBilled: 0 as MicroUsd },
    usage: { textInTokens: 10, imageInTokens: 0, imageOutTokens: 196, textOutTokens: 0 },
    elapsedMs: 4_000,
    trace: { requestId: id, events: [startOf(), endOf('delivered')] },
  };
}

function startOf(): TraceEvent {
  return {
    kind: 'attempt-start',
    atMs: 0,
    attempt: 1,
    target: targetNamed(ROUTE) as TargetId,
    route: ROUTE as ImageResult['route'],
    role: 'first',
    hedge: undefined,
    price: { expected: PRICE, ceiling: PRICE },
    timeoutMs: 10_000,
    cause: 'plan',
  };
}

function endOf(kind: 'delivered' | 'failed'): TraceEvent {
  const free = 0 as MicroUsd;
  const isDelivered = kind === 'delivered';
  return {
    kind: 'attempt-end',
    atMs: 4_000,
    attempt: 1,
    target: targetNamed(ROUTE),
    end: isDelivered ? { kind: 'delivered', cost: PRICE } : { kind: 'failed', failure: TIMED_OUT },
    billed: isDelivered ? PRICE : free,
    possiblyBilled: isDelivered ? free : PRICE,
    requestId: undefined,
  };
}

const TIMED_OUT = {
  kind: 'unknown',
  fault: 'cancelled',
  retry: 'never',
  evidence: 'ignored',
  scope: 'route',
  retryAfterMs: undefined,
  billed: 'possibly',
  message: 'cut off',
  status: undefined,
} as const;
