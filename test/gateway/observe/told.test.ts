// What the HTTP side tells, seen where the observer stands.
import { afterEach, describe, expect, it } from 'vitest';
import { HttpWorld } from '../support/http-world.ts';
import { StubRouter } from '../support/stub-router.ts';

const POST = { model: 'auto', prompt: 'a red fox' };
let world: HttpWorld | undefined;
afterEach(() => world?.close());

async function open(): Promise<{ readonly world: HttpWorld; readonly router: StubRouter }> {
  const router = new StubRouter();
  world = await HttpWorld.open({ router });
  return { world, router };
}

/** Events of requests for images, in order: health is asked for by nobody here. */
function kinds({ told }: HttpWorld): readonly string[] {
  return told.map(({ kind }) => kind);
}

describe('a request for images', () => {
  it('is told from its start to its end, its images in between', async () => {
    const { world, router } = await open();
    const reply = world.post('/v1/images/generations', { ...POST, policy: 'chat' });
    await world.until(() => router.calls.length === 1);
    router.calls[0]?.deliver();
    await (await reply).arrayBuffer();
    await world.until(() => world.ended().length === 1);
    expect(kinds(world)).toEqual(['request-start', 'images-end', 'request-end']);
    const images = { traceId: 'req_stub0', policy: 'default', attempts: 1, deadlineMet: true, costMicroUsd: 5_900 };
    expect(world.told.slice(1)).toMatchObject([images, { ...images, status: 200 }]);
  });

  it('whose caller leaves is told once its images have ended, with what they may cost and no missed deadline', async () => {
    const { world, router } = await open();
    const leaving = new AbortController();
    const reply = world.post('/v1/images/generations', POST, {}, leaving.signal).catch(() => undefined);
    await world.until(() => router.calls.length === 1);
    leaving.abort();
    await reply;
    await world.until(() => kinds(world).includes('images-end'));
    expect(kinds(world)).toEqual(['request-start', 'request-end', 'images-end']);
    const [, end, images] = world.told;
    expect(end).toMatchObject({ status: 499 });
    expect(images).toMatchObject({ traceId: 'req_stub0', policy: 'default', costMicroUsd: 5_900 });
    expect(images).not.toHaveProperty('deadlineMet');
  });

  it('that is refused has missed no deadline; one that is late has', async () => {
    const { world, router } = await open();
    for (const code of ['refused', 'deadline_exceeded'] as const) {
      const reply = world.post('/v1/images/generations', POST);
      await world.until(() => router.calls.length > 0);
      router.calls.splice(0).at(0)?.fail(code);
      await (await reply).arrayBuffer();
    }
    const images = world.told.filter(({ kind }) => kind === 'images-end');
    expect(images).toMatchObject([{ code: 'moderation_blocked' }, { code: 'deadline_exceeded', deadlineMet: false }]);
    expect(images[0]).not.toHaveProperty('deadlineMet');
  });
});

describe('/readyz', () => {
  it('says how many routes admit calls, and why it is not ready', async () => {
    const { world } = await open();
    expect(await (await world.get('/readyz')).json()).toEqual({ status: 'ready', reasons: [], routes: { admitted: 1, configured: 1 } });
    world.app.beginDrain();
    const draining = await world.get('/readyz');
    expect(draining.status).toBe(503);
    expect(await draining.json()).toMatchObject({ status: 'draining', reasons: [{ code: 'draining' }] });
  });
});
