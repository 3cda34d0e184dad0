// Draws of the fuzz run: every choice comes from one seeded Random, so a case can be repeated by seed and number.
import type { Random } from '../../../src/system/random.ts';

export type Draw = {
  /** A whole number in [0, below). */
  below(limit: number): number;
  chance(share: number): boolean;
  pick<Value>(values: readonly Value[]): Value;
  /** Bytes of no meaning. */
  bytes(length: number): Buffer;
};

export function drawFrom(random: Random): Draw {
  const below = (limit: number): number => Math.floor(random.next() * limit);
  return {
    below,
    chance: (share) => random.next() < share,
    pick: (values) => {
      const value = values[below(values.length)];
      if (value === undefined) throw new RangeError('nothing to pick from');
      return value;
    },
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  };
}
