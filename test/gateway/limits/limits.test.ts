import { describe, expect, it } from 'vitest';
import { manualClock } from '../../support/manual-clock.ts';
import { admitted, ask, costOf, dataFolder, keyed, stateIn, usd } from '../support/state-world.ts';

describe('a key’s limits', () => {
  it('over its budget it is told the limit, what is used, and when there is room', async () => {
    const state = await stateIn(await dataFolder());
    const { principal } = await keyed(state, { usdPerDay: 0.01 });
    const lease = admitted(await state.gatekeeper.admit(principal, ask('a')));
    const reserved = await state.gatekeeper.admit(principal, ask('b'));
    expect(reserved).toMatchObject({ status: 429, code: 'budget_exceeded', retryAfterMs: undefined });
    expect(reserved).toHaveProperty('message', expect.stringMatching(/\$0\.01 for spend per day.*\$0\.006 is in use.*has ended/));
    await lease.settle(costOf(5_000));
    const spent = await state.gatekeeper.admit(principal, ask('b'));
    expect(spent).toMatchObject({ status: 429, retryAfterMs: expect.any(Number) });
    expect(spent).toHaveProperty('message', expect.stringMatching(/\$0\.005 is in use\. Room again in \d+ s/));
    admitted(await state.gatekeeper.admit(principal, ask('c', { mostMicroUsd: usd(5_000) })));
  });

  it('name the seconds of the caller’s clock, which Retry-After counts in, however fast the world runs', async () => {
    const state = await stateIn(await dataFolder(), { clock: manualClock(10) });
    const { principal } = await keyed(state, { requestsPerMinute: 3 });
    for (const id of ['a', 'b', 'c']) admitted(await state.gatekeeper.admit(principal, ask(id)));
    const denial = await state.gatekeeper.admit(principal, ask('d'));
    expect(denial).toMatchObject({ status: 429, retryAfterMs: 20_000 });
    expect(denial).toHaveProperty('message', expect.stringContaining('Room again in 2 s.'));
  });

  it('a request that never fits is told so, and not when to come back', async () => {
    const state = await stateIn(await dataFolder());
    const { principal } = await keyed(state, { imagesPerMinute: 2, usdPerMonth: 0.001 });
    for (const asked of [ask('a', { images: 3 }), ask('b')]) {
      const denial = await state.gatekeeper.admit(principal, asked);
      expect(denial).toMatchObject({ status: 429, retryAfterMs: undefined, mayRepeat: false });
      expect(denial).toHaveProperty('message', expect.stringContaining('never fits'));
    }
  });

  it('rates and places say which, how much, and when', async () => {
    const state = await stateIn(await dataFolder());
    const rated = await keyed(state, { requestsPerMinute: 1 });
    admitted(await state.gatekeeper.admit(rated.principal, ask('a')));
    const tooSoon = await state.gatekeeper.admit(rated.principal, ask('b'));
    expect(tooSoon).toMatchObject({ status: 429, code: 'rate_limit_exceeded', retryAfterMs: expect.any(Number) });
    expect(tooSoon).toHaveProperty(
      'message',
      expect.stringMatching(/limit of 1 for requests per minute.*1 is in use\. Room again in \d+ s/),
    );
    const placed = await keyed(state, { concurrent: 1 });
    const lease = admitted(await state.gatekeeper.admit(placed.principal, ask('c')));
    expect(await state.gatekeeper.admit(placed.principal, ask('d'))).toHaveProperty('message', expect.stringContaining('at the same time'));
    await lease.settle(costOf(1));
    admitted(await state.gatekeeper.admit(placed.principal, ask('d')));
  });

  it('are told in figures that leave no room, also while a part of one is refilled', async () => {
    const clock = manualClock();
    const state = await stateIn(await dataFolder(), { clock });
    const { principal } = await keyed(state, { requestsPerMinute: 3, imagesPerMinute: 7, usdPerDay: 10 });
    const refusedAs = async (id: string, changes: Parameters<typeof ask>[1]) => {
      const denial = await state.gatekeeper.admit(principal, ask(id, changes));
      if (!('message' in denial)) throw new Error('there was room');
      const [, most, asked, used] =
        /limit of \$?([\d.]+) .* (?:may cost \$|asks for )([\d.]+): \$?([\d.]+) is in use\./.exec(denial.message) ?? [];
      expect(Number(used) + Number(asked), denial.message).toBeGreaterThan(Number(most));
      return denial.message;
    };
    admitted(await state.gatekeeper.admit(principal, ask('a', { images: 5, mostMicroUsd: usd(9_994_001) })));
    expect(await refusedAs('b', { mostMicroUsd: usd(6_000) })).toContain('which may cost $0.006: $9.994001 is in use.');
    expect(await refusedAs('c', { images: 3 })).toContain('limit of 7 for images per minute');
    for (const id of ['d', 'e']) admitted(await state.gatekeeper.admit(principal, ask(id, { images: 0, mostMicroUsd: usd(0) })));
    clock.advance(8_000);
    // Six seconds' worth is missing: 2.6 of 3 are in use.
    expect(await refusedAs('f', { images: 0 })).toContain(
      'limit of 3 for requests per minute has no room for this request, which asks for 1: 3 is in use',
    );
    expect(await refusedAs('f', { images: 0 })).toContain('Room again in 12 s.');
  });

  it('hold over two gateways on one folder', async () => {
    const dataDir = await dataFolder();
    const [one, other] = [await stateIn(dataDir), await stateIn(dataDir)];
    const { principal } = await keyed(one, { concurrent: 5 });
    const asks = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).gatekeeper.admit(principal, ask(`r${index}`)));
    const leases = (await Promise.all(asks)).filter((given) => 'settle' in given);
    expect(leases).toHaveLength(5);
  });

  it('settling a lease again changes nothing', async () => {
    const state = await stateIn(await dataFolder());
    const { principal } = await keyed(state);
    const lease = admitted(await state.gatekeeper.admit(principal, ask('a')));
    await lease.settle(costOf(10, 5));
    await lease.settle(costOf(10, 5));
    expect((await state.spendOf(principal.id))[0]).toMatchObject({ billed: 10, possiblyBilled: 5, reserved: 0 });
  });
});
