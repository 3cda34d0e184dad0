import { describe, expect, it } from 'vitest';
import { openSqliteFile } from '../../../src/gateway/store/sqlite-file.ts';
import { queueDeliveries, SqliteWebhooks } from '../../../src/gateway/store/sqlite-webhooks.ts';
import { withPublicLinks } from '../../../src/jobs/webhooks/public-links.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { webhookStoreContract } from '../../gateway/store/webhooks-contract.ts';
import { dataFolder } from '../../gateway/support/state-world.ts';
import { SendingWorld } from '../support/sending-world.ts';

/** As long as a setting may be. */
const LONGEST = `https://${'images.'.repeat(26)}example`.slice(0, 200);

async function dataTold(publicUrl: string | undefined) {
  const world = await SendingWorld.open();
  await world.endpoint('https://receiver.example/');
  await world.complete();
  const query = { most: 1, perEndpoint: 1, at: world.now, leaseMs: 1_000 };
  const [found] = await withPublicLinks(world.store, () => publicUrl).due('sender', query);
  if (found === undefined) throw new Error('one is due');
  return { body: found.delivery.body, ...JSON.parse(found.delivery.body) };
}

describe('links in what is told', () => {
  it.each([undefined, 'https://images.example.com', 'http://10.0.0.1:8787/', LONGEST])(
    'begin with %s, and nothing else is other',
    async (publicUrl) => {
      const { body, data, type } = await dataTold(publicUrl);
      const base = (publicUrl ?? '').replace(/\/$/, '');
      expect(type).toBe('job.completed');
      expect([data.url, data.images[0].url]).toEqual([`${base}/v1/images/jobs/${data.id}`, `${base}/v1/images/jobs/${data.id}/content/0`]);
      expect(body.replaceAll(`"url":"${base}/`, '"url":"/')).toBe((await dataTold(undefined)).body);
    },
  );
});

describe('webhooks whose links are public', () => {
  webhookStoreContract(async () => {
    const dataDir = await dataFolder();
    const file = openSqliteFile({ dataDir, clock: systemClock(1), owner: 'one' });
    const store = new SqliteWebhooks(file);
    return {
      one: withPublicLinks(store, () => 'https://images.example.com'),
      other: withPublicLinks(store, () => undefined),
      tell: (job, event) => file.write((sql) => queueDeliveries(sql, job, event)),
      close: async () => file.close(),
    };
  });
});
