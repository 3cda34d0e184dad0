import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { LotsOfLines } from '../../../src/gateway/observe/lots-of-lines.ts';
import { manualClock } from '../../support/manual-clock.ts';

function world() {
  const written: string[] = [];
  const clock = manualClock();
  const lots = new LotsOfLines({ write: (lines) => written.push(lines), flush: (done) => done() }, clock);
  const logger = pino({ base: null, timestamp: false, formatters: { level: (l) => ({ l }) } }, lots);
  return { written, clock, lots, logger };
}

describe('lines of the log', () => {
  it('that come close together are written together, a tenth of a second later at most', () => {
    const { written, clock, logger } = world();
    for (const n of [1, 2, 3]) logger.info({ n });
    expect(written).toEqual([]);
    clock.advance(100);
    expect(written).toEqual([[1, 2, 3].map((n) => `{"l":"info","n":${n}}\n`).join('')]);
    logger.info({ n: 4 });
    clock.advance(100);
    expect(written).toHaveLength(2);
  });

  it('about trouble are written at once, after those before them', () => {
    const { written, clock, logger } = world();
    logger.info({ n: 1 });
    logger.warn({ n: 2 });
    expect(written).toEqual(['{"l":"info","n":1}\n{"l":"warn","n":2}\n']);
    clock.advance(100);
    expect(written).toHaveLength(1);
  });

  it('do not wait once there are many', () => {
    const { written, logger } = world();
    for (let n = 0; n < 2_000; n += 1) logger.info({ n });
    expect(written.length).toBeGreaterThan(0);
  });

  it('are all written when it is closed', async () => {
    const { written, lots, logger } = world();
    logger.info({ n: 1 });
    await lots.close();
    expect(written).toEqual(['{"l":"info","n":1}\n']);
  });
});
