import { beforeAll, describe, expect, it } from 'vitest';
import { brokenPromise, type Episode, limitsBroken } from '../../src/cli/demo/episode.ts';
import { play } from '../../src/cli/demo/play.ts';
import { renderReport } from '../../src/cli/demo/report.ts';
import { SCENES, type Scene } from '../../src/cli/demo/scenes.ts';
import { sandboxEndpoints } from '../../src/cli/endpoints.ts';
import type { Io, Output } from '../../src/cli/io.ts';
import { microUsd } from '../../src/domain/money.ts';
import { resolveOptions } from '../../src/options.ts';
import { temporaryFolder } from './terminal.ts';

const SILENT: Output = { write: () => true };

async function played(id: string, changes: Partial<Scene> = {}, earlier: readonly Episode[] = [], speed = 10): Promise<Episode> {
  const scene = SCENES.find((candidate) => candidate.id === id);
  if (scene === undefined) throw new Error(`no scene ${id}`);
  const folder = temporaryFolder();
  const io: Io = { stdout: SILENT, stderr: SILENT, stdin: nothing(), env: {}, cwd: folder, signal: new AbortController().signal };
  const options = resolveOptions({ endpoints: [...sandboxEndpoints('http://127.0.0.1:9')] });
  return play({ ...scene, ...changes }, { options, speed, isReal: false, folder, earlier }, io);
}

async function* nothing(): AsyncIterable<string> {}

describe('the demo', () => {
  let capped: Episode;
  beforeAll(async () => {
    capped = await played('price-cap', {}, [], 25);
  });

  it('a refusal is asked once, costs nothing, and keeps its promise', async () => {
    const episode = await played('refused');
    expect(brokenPromise(episode)).toBeUndefined();
    expect(episode.ledgerBilled).toBe(0);
  });

  it('a cap leaves dearer routes out, and both sides agree on the money', () => {
    const episode = capped;
    expect(brokenPromise(episode)).toBeUndefined();
    expect(episode.ledgerBilled).toBe(episode.cost.billed);
  });

  it('a promise that is not kept is said, in words', () => {
    const episode = capped;
    const says = (promise: Partial<Scene['promise']>): string | undefined =>
      brokenPromise({ ...episode, scene: { ...episode.scene, promise: { ...episode.scene.promise, ...promise } } });
    expect(says({ route: 'nano-banana-pro' })).toContain('instead of nano-banana-pro');
    expect(says({ role: 'hedge' })).toBe('there was no hedge');
    expect(says({ degraded: false })).toBe('it was degraded');
    expect(says({ error: 'refused' })).toContain('instead of refused');
    expect(says({ calls: 3 })).toContain('instead of 3');
    expect(says({ atLeastSeconds: 600 })).toContain('less than 600 s');
    expect(says({ pricedOut: ['gpt-image-2-low'] })).toContain('did not leave out gpt-image-2-low');
    expect(brokenPromise({ ...episode, ledgerBilled: microUsd(1) })).toContain('the provider billed');
    expect(limitsBroken({ ...episode, need: { ...episode.need, budgetMs: 1 } })).toContain('after its deadline');
    expect(limitsBroken({ ...episode, need: { ...episode.need, maxCost: microUsd(0.000_001) } })).toContain('more than its cap');
  });

  it('a preview comes before its image, and both show', async () => {
    const episode = await played('preview-then-final', {}, [], 30);
    expect(brokenPromise(episode)).toBeUndefined();
    const page = await renderReport([episode], { isReal: false, broken: brokenPromise });
    expect(page.match(/src="data:image/g)).toHaveLength(2);
    expect(page).toContain('preview after');
  });

  it('an edit works from an earlier picture, and without one the promise is broken', async () => {
    const fox = await played('chat-preview', { request: { prompt: 'A fox', tier: 'preview', latencyBudgetMs: 30_000 } }, [], 25);
    const edit = { request: { prompt: 'The same at night', tier: 'preview' as const, latencyBudgetMs: 60_000 } };
    // Slower than the others: pictures are really redrawn, and what that takes would look like a silent provider.
    const episode = await played('edit', edit, [fox], 5);
    expect(brokenPromise(episode)).toBeUndefined();
    expect(brokenPromise(await played('edit', edit, [], 20))).toBe('there was no picture to work from');
    expect(await renderReport([episode], { isReal: false, broken: brokenPromise })).toContain('<b>before</b>');
  });

  it('a batch is a contact sheet of all its pictures, and a missing one breaks its promise', async () => {
    const prompts = ['a fox', 'an owl', 'a heron'];
    const episode = await played('sketches', { batch: { prompts, concurrency: 3, maxCostUsd: 0.4 } });
    expect(brokenPromise(episode)).toBeUndefined();
    expect((await renderReport([episode], { isReal: false, broken: brokenPromise })).match(/src="data:image/g)).toHaveLength(3);
    const refused = await played('sketches', { batch: { prompts: ['a fox', 'graphic gore'], concurrency: 2, maxCostUsd: 0.4 } });
    expect(brokenPromise(refused)).toBe('1 of 2 images are missing: refused');
  });

  it('the report fetches nothing, runs nothing, and shows prompts as text', async () => {
    const prompt = 'A fox <script>alert("x")</script> in snow';
    const episode = await played('chat-preview', { request: { prompt, tier: 'preview', latencyBudgetMs: 30_000 } }, [], 25);
    const page = await renderReport([episode, await played('refused')], { isReal: false, broken: brokenPromise });
    expect(page).not.toMatch(/<script|<link|@import|url\(|(?:src|href)="(?!data:|#)/);
    expect(page).toContain('A fox &lt;script&gt;');
    expect(page).toContain('src="data:image/webp;base64,');
    expect(page).toContain('<svg class="timeline"');
    expect(page).toContain('moderation, free');
  });
});
