import { describe, expect, it } from 'vitest';
import { nothingHere } from '../../../src/gateway/http/nothing-here.ts';
import { ALL_ENDPOINTS } from '../support/all-endpoints.ts';
import { HttpWorld } from '../support/http-world.ts';

describe('a path at which there is nothing', () => {
  it.each([
    ['/v1/images/generation', 'POST /v1/images/generations'],
    ['/images/generations', 'POST /v1/images/generations'],
    ['/v1/image/edits', 'POST /v1/images/edits'],
    ['/v1/images/job', 'POST, GET /v1/images/jobs'],
    ['/v1/images/jobs/job_72c7d1cfbc39b935d42d6f32ae83a435/contents/0', 'GET /v1/images/jobs/{id}/content/{index}'],
    ['/v1/webhook/wh_1/rotate', 'POST /v1/webhooks/{id}/rotate'],
    ['/v2/models/gpt-image-2', 'GET /v1/models/{id}'],
  ])('%s is told the nearest: %s', (asked, near) => {
    expect(nothingHere(asked, ALL_ENDPOINTS).message).toBe(`There is nothing here. The nearest is ${near}.`);
  });

  it.each(['/', '/wp-admin/setup.php', '/v1/chat/completions', `/v1/images/generations/${'x'.repeat(15_000)}`])(
    '%#: what is near nothing is told of none',
    (asked) => {
      expect(nothingHere(asked, ALL_ENDPOINTS).message).toBe('There is nothing here.');
    },
  );

  it('is a 404 with the place where all is shown, and another method of a path there is a 405', async () => {
    const world = await HttpWorld.open();
    try {
      const answer = await world.get('/v1/model?canary=1');
      const text = await answer.text();
      expect(answer.status).toBe(404);
      expect(JSON.parse(text).error).toMatchObject({ code: 'not_found', remedy: 'GET /docs shows what there is' });
      expect(JSON.parse(text).error.message).toBe('There is nothing here. The nearest is GET /v1/models.');
      expect(text).not.toContain('canary');
      const other = await world.get('/v1/images/generations');
      expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST']);
    } finally {
      await world.close();
    }
  });
});
