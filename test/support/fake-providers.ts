// Providers that answer when a test says so: the port's contract (settles once, settles on abort) without a wire.
import type { Failure } from '../../src/domain/failure.ts';
import type { Moderation, Provider, ProviderCall, ProviderReply } from '../../src/providers/provider.ts';

export type PendingCall = {
  readonly call: ProviderCall;
  readonly signal: AbortSignal;
  deliver(): void;
  fail(failure?: Partial<Failure>): void;
};

/** A provider whose calls wait in `calls` until the test settles them. */
export class FakeProvider implements Provider {
  readonly calls: PendingCall[] = [];
  isClosed = false;

  generate(call: ProviderCall, signal: AbortSignal): Promise<ProviderReply> {
    return new Promise((resolve) => {
      const fail = (failure: Partial<Failure> = {}): void =>
        resolve({ kind: 'failed', failure: { ...OVERLOADED, ...failure }, requestId: undefined });
      signal.addEventListener('abort', () => fail({ kind: 'unknown', fault: 'cancelled', evidence: 'ignored', billed: 'possibly' }));
      const { width, height } = call.deliver;
      const image = { bytes: new Uint8Array([1]), format: call.format, mediaType: `image/${call.format}`, width, height };
      const images = Array.from({ length: call.n }, () => image);
      const deliver = (): void => resolve({ kind: 'delivered', images, adjustments: [], usage: undefined, requestId: 'req-upstream' });
      this.calls.push({ call, signal, deliver, fail });
    });
  }

  /** What the moderation endpoint answers; undefined: there is none. `silent`: nothing, until it is given up. */
  moderation: Moderation | 'silent' | undefined;
  readonly moderated: string[] = [];

  async moderate(prompt: string, _endpoint: string, signal: AbortSignal): Promise<Moderation> {
    this.moderated.push(prompt);
    if (this.moderation === 'silent') {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return { kind: 'unavailable', reason: 'given up' };
    }
    return this.moderation ?? { kind: 'unavailable', reason: 'this provider has none' };
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const OVERLOADED: Failure = {
  kind: 'not-accepted',
  fault: 'overloaded',
  retry: 'other',
  evidence: 'against',
  scope: 'route',
  retryAfterMs: undefined,
  billed: 'no',
  message: 'overloaded',
  status: 503,
};

/** Lets every promise that is ready settle. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}
