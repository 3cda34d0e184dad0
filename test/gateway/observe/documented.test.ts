import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createMetrics } from '../../../src/gateway/observe/metrics.ts';

const NAMED = /\bimage_router_[a-z_]+\b/g;

it('every metric is documented, and every documented metric exists', async () => {
  const page = await readFile(new URL('../../../docs/observability.md', import.meta.url), 'utf8');
  const source = await readFile(new URL('../../../src/gateway/observe/metrics.ts', import.meta.url), 'utf8');
  const documented = new Set(page.match(NAMED));
  const made = [...source.matchAll(/(?:counter|gauge|perTarget)\('([a-z_]+)'/g)].map(([, name]) => `image_router_${name}`);
  const others = [...source.matchAll(/createHistogram\('(image_router_[a-z_]+)'/g)].map(([, name]) => name ?? '');
  expect(new Set([...made, ...others])).toEqual(documented);
});

it('a metric is exposed under the name it is documented with', async () => {
  const metrics = createMetrics({ health: () => [], load: () => ({ running: 0, heldBytes: 0 }) });
  metrics.http({ kind: 'request-end', id: 'a', method: 'GET', endpoint: '/livez', status: 200, ms: 1, principal: undefined, bytes: 2 });
  const text = await metrics.text();
  await metrics.close();
  for (const name of ['image_router_requests_total', 'image_router_request_duration_seconds_bucket', 'image_router_held_bytes']) {
    expect(text).toContain(`\n${name}{`.replace('held_bytes{', 'held_bytes '));
  }
});
