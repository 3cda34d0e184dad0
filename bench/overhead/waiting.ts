// What a waiting request holds in memory, measured in a process of its own: ten thousand requests in the lanes before
// providers that answer nobody until told to. The first few hundred make code and caches exist before the count starts.
import { createImageRouter } from '../../src/index.ts';
import type { Provider, ProviderReply } from '../../src/providers/provider.ts';
import { heldBytes } from '../support/collect-garbage.ts';

const WAITING = 10_000;
const WARM_UP = 500;
/** A day: nobody gives up while memory is read. */
const BUDGET_MS = 86_400_000;

const pending: (() => void)[] = [];

/** Holds every call until `release`; then fails it for good, which ends its request. */
const silent: Provider = {
  generate: () =>
    new Promise<ProviderReply>((resolve) => {
      pending.push(() => resolve({ kind: 'failed', requestId: undefined, failure: GIVEN_UP }));
    }),
  ready: async () => undefined,
  close: async () => undefined,
};

const GIVEN_UP = {
  kind: 'invalid',
  fault: 'bad-parameter',
  retry: 'never',
  evidence: 'ignored',
  scope: 'route',
  retryAfterMs: undefined,
  billed: 'no',
  message: 'released',
  status: 400,
} as const;

const router = createImageRouter(
  {
    endpoints: [{ id: 'openai', provider: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k' }],
    maxWaitingPerRoute: WAITING,
  },
  { providers: { openai: silent, google: silent } },
);

/** Every prompt is a string of its own, as it would be from the wire. */
function start(count: number): readonly Promise<void>[] {
  return Array.from({ length: count }, (_, index) =>
    router.generate({ prompt: `a red fox asleep in fresh snow, number ${index}`, tier: 'preview', latencyBudgetMs: BUDGET_MS }).then(
      () => undefined,
      () => undefined,
    ),
  );
}

async function release(requests: readonly Promise<void>[]): Promise<void> {
  let ended = false;
  const all = Promise.all(requests).then(() => {
    ended = true;
  });
  while (!ended) {
    for (const answer of pending.splice(0)) answer();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
}

await release(start(WARM_UP));
const before = await heldBytes();
const requests = start(WAITING);
const during = await heldBytes();
const waiting = router.health().reduce((most, row) => Math.max(most, row.waiting), 0);
await release(requests);
const after = await heldBytes();
process.send?.({ waiting, bytesEach: (during - before) / WAITING, bytesLeftEach: (after - before) / WAITING });
await router.close();
