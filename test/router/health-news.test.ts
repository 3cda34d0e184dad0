// Two routers on one store: what one finds of a target, the other heeds, and neither tells it on.
import { describe, expect, it } from 'vitest';
import type { HealthNews, HealthNotice } from '../../src/telemetry/health-news.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

/** A wire between two processes. */
function wire(): { readonly ends: readonly [HealthNews, HealthNews]; readonly said: HealthNotice[] } {
  const said: HealthNotice[] = [];
  const listeners: (((notice: HealthNotice) => void) | undefined)[] = [undefined, undefined];
  const end = (own: 0 | 1): HealthNews => ({
    publish: (notice) => {
      said.push(notice);
      listeners[1 - own]?.(notice);
    },
    subscribe: (listener) => {
      listeners[own] = listener;
      return () => {
        listeners[own] = undefined;
      };
    },
  });
  return { ends: [end(0), end(1)], said };
}

/** What is not admitted, and why. */
const closedTo = ({ router }: World) =>
  router
    .health()
    .flatMap(({ target, operation, admission }) => (admission.kind === 'open' ? [{ target, operation, reason: admission.reason }] : []));
const named = (world: World) => closedTo(world).map(({ target, operation }) => `${target} ${operation}`);

describe('routers that hear of each other', () => {
  it('open what one of them found gone, say whence they know, and tell it once', async () => {
    const { ends, said } = wire();
    const [one, other] = [new World({}, ends[0]), new World({}, ends[1])];
    const account = { kind: 'account', fault: 'bad-key', scope: 'endpoint', message: 'no such key' } as const;
    await one.start({ route: 'gpt-image-2-low' });
    one.openai.calls[0]?.fail(account);
    await one.pass(500);
    expect(named(one)).toContain('gpt-image-2-low@openai generate');
    expect(named(other)).toEqual(named(one));
    for (const { reason } of closedTo(other)) expect(reason).toMatch(/^found by another process: .*no such key/);
    expect(said).toHaveLength(named(one).length);
    await Promise.all([one.router.close(), other.router.close()]);
  });

  it('pass over targets they do not serve, and hear nothing once they are closed', async () => {
    const { ends } = wire();
    const world = new World({}, ends[1]);
    const away = { operation: 'generate', state: 'open', reason: 'x', waitMs: 1_000 } as const;
    ends[0].publish({ ...away, target: 'nobody@nowhere' as HealthNotice['target'] });
    expect(named(world)).toEqual([]);
    ends[0].publish({ ...away, target: 'gpt-image-2-low@openai' as HealthNotice['target'] });
    expect(named(world)).toEqual(['gpt-image-2-low@openai generate']);
    await world.router.close();
    const before = world.told.length;
    ends[0].publish({ ...away, target: 'gpt-image-2-high@openai' as HealthNotice['target'] });
    expect(world.told).toHaveLength(before);
  });
});
