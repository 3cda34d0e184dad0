import { expect, it, onTestFinished, vi } from 'vitest';
import type { TargetId } from '../../../src/domain/route.ts';
import type { Postgres } from '../../../src/gateway/store/postgres/postgres.ts';
import { PostgresHealthNews } from '../../../src/gateway/store/postgres/postgres-health-news.ts';
import { systemClock } from '../../../src/system/clock.ts';
import type { HealthNotice } from '../../../src/telemetry/health-news.ts';
import { describePostgres, freshDatabase, query } from '../../support/postgres.ts';
import { postgresFor } from '../support/postgres-process.ts';

const OPEN: HealthNotice = { target: 'low@openai' as TargetId, operation: 'generate', state: 'open', reason: 'no answer', waitMs: 60_000 };
const CLOSED: HealthNotice = { target: OPEN.target, operation: 'generate', state: 'closed' };
const SOON = { timeout: 10_000, interval: 20 };

/** A process, and what it hears. */
async function process(url: string, owner: string) {
  const postgres: Postgres = await postgresFor(url, owner);
  onTestFinished(() => postgres.close());
  const news = new PostgresHealthNews(postgres, systemClock(1));
  const heard: HealthNotice[] = [];
  const stop = news.subscribe((notice) => heard.push(notice));
  await postgres.beat();
  return { news, heard, stop, postgres };
}

describePostgres('news of breakers on PostgreSQL', () => {
  it('reaches every other process, and not its own', async () => {
    const url = await freshDatabase();
    const [one, other, third] = await Promise.all(['one', 'other', 'third'].map((owner) => process(url, owner)));
    one?.news.publish(OPEN);
    for (const there of [other, third]) await vi.waitFor(() => expect(there?.heard).toContainEqual(OPEN), SOON);
    one?.news.publish(CLOSED);
    for (const there of [other, third]) await vi.waitFor(() => expect(there?.heard).toContainEqual(CLOSED), SOON);
    expect(one?.heard).toEqual([]);
  });

  it('is there for whoever starts later, with what is left of the wait, until it is over', async () => {
    const url = await freshDatabase();
    const one = await process(url, 'one');
    one.news.publish(OPEN);
    one.news.publish({ ...OPEN, target: 'high@openai' as TargetId });
    one.news.publish({ ...CLOSED, target: 'high@openai' as TargetId });
    one.news.publish({ ...OPEN, target: 'over@openai' as TargetId, waitMs: 1 });
    const rows = 'SELECT count(*)::int AS n FROM image_router.open_breakers WHERE until > clock_timestamp()';
    await vi.waitFor(async () => expect(await query(url, rows)).toEqual([{ n: 1 }]), SOON);
    const later = await process(url, 'later');
    await vi.waitFor(() => expect(later.heard).not.toEqual([]), SOON);
    for (const each of later.heard) expect(each).toMatchObject({ target: OPEN.target, state: 'open', reason: 'no answer' });
    const [notice] = later.heard;
    expect(notice?.state === 'open' && notice.waitMs > 0 && notice.waitMs <= 60_000).toBe(true);
  });

  it('is read anew by whoever was cut off', async () => {
    const url = await freshDatabase();
    const [one, other] = [await process(url, 'one'), await process(url, 'other')];
    one.news.publish(OPEN);
    await vi.waitFor(() => expect(other.heard).toContainEqual(OPEN), SOON);
    const before = other.heard.length;
    await query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'image-router other'");
    await vi.waitFor(() => expect(other.heard.length).toBeGreaterThan(before), SOON);
    expect(other.heard.at(-1)).toMatchObject({ target: OPEN.target, state: 'open' });
  });

  it('is cut short where a provider is verbose, and what others say on the channel is passed over', async () => {
    const url = await freshDatabase();
    const [one, other] = [await process(url, 'one'), await process(url, 'other')];
    await query(url, "SELECT pg_notify('image_router_health', 'gossip'), pg_notify('image_router_health', '{}')");
    one.news.publish({ ...OPEN, reason: 'ü'.repeat(20_000) });
    await vi.waitFor(() => expect(other.heard).not.toEqual([]), SOON);
    expect(other.heard[0]).toMatchObject({ reason: 'ü'.repeat(500) });
    other.stop();
    const before = other.heard.length;
    one.news.publish(CLOSED);
    await vi.waitFor(async () => expect(await query(url, 'SELECT * FROM image_router.open_breakers')).toEqual([]), SOON);
    expect(other.heard).toHaveLength(before);
  });

  it('keeps what was found last, however quickly one thing follows another', async () => {
    const url = await freshDatabase();
    const [one, other] = [await process(url, 'one'), await process(url, 'other')];
    for (let turn = 0; turn < 50; turn += 1) one.news.publish(turn % 2 === 0 ? CLOSED : { ...OPEN, reason: `turn ${turn}` });
    // Whoever has only just connected may hear of it from the table, a moment later: a little less is left to wait then.
    const last = { ...OPEN, reason: 'turn 49', waitMs: expect.any(Number) };
    await vi.waitFor(() => expect(other.heard.at(-1)).toEqual(last), SOON);
    expect(await query(url, 'SELECT reason FROM image_router.open_breakers')).toEqual([{ reason: 'turn 49' }]);
  });

  it('does nothing at all when the database is gone', async () => {
    const url = await freshDatabase();
    const one = await process(url, 'one');
    await one.postgres.close();
    one.news.publish(OPEN);
    expect(one.heard).toEqual([]);
  });
});
