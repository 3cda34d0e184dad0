import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import { Grouped } from '../../../src/gateway/store/postgres/grouped.ts';

const refusal = new StoreError('refused', { cause: Object.assign(new DatabaseError('duplicate', 1, 'error'), { code: '23505' }) });

/** Groups by first letter; what is done is noted, and waits for `finish`. */
function grouped(fails: (items: readonly string[]) => Error | undefined = () => undefined) {
  const groups: (readonly string[])[] = [];
  const running: (() => void)[] = [];
  const group = new Grouped<string, string>(
    async (items) => {
      groups.push(items);
      await new Promise<void>((resolve) => running.push(resolve));
      const error = fails(items);
      if (error !== undefined) throw error;
      return items.map((item) => item.toUpperCase());
    },
    { nameOf: (item) => item.slice(0, 1), most: 3, atOnce: 1 },
  );
  const finish = (): void => {
    for (const resolve of running.splice(0)) resolve();
  };
  return { group, groups, finish };
}

/** Lets everything run that can, finishing what is begun, until all are settled. */
async function settled<Value>(promises: readonly Promise<Value>[], finish: () => void): Promise<readonly PromiseSettledResult<Value>[]> {
  const ticking = setInterval(finish, 1);
  try {
    return await Promise.allSettled(promises);
  } finally {
    clearInterval(ticking);
  }
}

describe('a group of operations', () => {
  it('takes along what was asked for while another ran, up to its bound, and answers each its own', async () => {
    const { group, groups, finish } = grouped();
    const asked = ['a', 'b', 'c', 'd', 'e'].map((item) => group.do(item));
    const results = await settled(asked, finish);
    expect(results).toEqual(['A', 'B', 'C', 'D', 'E'].map((value) => ({ status: 'fulfilled', value })));
    expect(groups).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it('never does two of one name together, nor the later before the earlier', async () => {
    const { group, groups, finish } = grouped();
    await settled(
      ['a1', 'a2', 'b1', 'a3'].map((item) => group.do(item)),
      finish,
    );
    expect(groups).toEqual([['a1', 'b1'], ['a2'], ['a3']]);
  });

  it('does one by one what was refused together, so that one spoils none beside it', async () => {
    const { group, finish } = grouped((items) => (items.includes('b') ? refusal : undefined));
    const results = await settled(
      ['a', 'b', 'c'].map((item) => group.do(item)),
      finish,
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('asks a database that does not answer once, not once for each nor for those behind', async () => {
    const { group, groups, finish } = grouped(() => new StoreError('the database does not answer', { mayBeWritten: true }));
    const results = await settled(
      ['a', 'b', 'c', 'd', 'e'].map((item) => group.do(item)),
      finish,
    );
    expect(groups).toHaveLength(1);
    // Only what was sent may be written.
    const mayBe = results.map((result) => result.status === 'rejected' && result.reason.mayBeWritten);
    expect(mayBe).toEqual([true, true, true, false, false]);
  });

  it('lets no more than ten thousand wait', async () => {
    const { group, finish } = grouped();
    const asked = Array.from({ length: 10_001 }, (_, index) => group.do(`${String.fromCharCode(index + 1_000)}`));
    const last = expect(asked.at(-1)).rejects.toMatchObject({ kind: 'unavailable' });
    await last;
    const results = await settled(asked.slice(0, 10), finish);
    expect(results.every(({ status }) => status === 'fulfilled')).toBe(true);
  });
});
