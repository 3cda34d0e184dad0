import { describe, expect, it } from 'vitest';
import { withPublicLinks } from '../../../src/jobs/webhooks/public-links.ts';
import { SendingWorld } from '../support/sending-world.ts';

/** As long as a setting may be. */
const LONGEST = `https://${'images.'.repeat(26)}example`.slice(0, 200);

describe('links in what is told', () => {
  it.each([undefined, 'https://images.example.com', 'http://10.0.0.1:8787/', LONGEST])(
    'begin with %s, and nothing else is other',
    async (publicUrl) => {
      const world = await SendingWorld.open();
      await world.endpoint('https://receiver.example/');
      await world.complete();
      const [found] = await world.store.due('sender', { most: 1, perEndpoint: 1, at: world.now, leaseMs: 1_000 });
      if (found === undefined) throw new Error('one is due');
      const body = withPublicLinks(found.delivery.body, publicUrl);
      const { data, type } = JSON.parse(body);
      const base = (publicUrl ?? '').replace(/\/$/, '');
      expect(type).toBe('job.completed');
      const job = `${base}/v1/images/jobs/${data.id}`;
      expect([data.url, data.previews[0].url, data.images[0].url]).toEqual([job, `${job}/preview/0`, `${job}/content/0`]);
      expect(body.replaceAll(`"url":"${base}/`, '"url":"/')).toBe(found.delivery.body);
    },
  );
});
