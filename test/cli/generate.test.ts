import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';
import { run, temporaryFolder } from './terminal.ts';

describe('generate', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({ routes: builtInRoutes, clock: systemClock(20), pictures: 'light' });
  });
  afterAll(() => sandbox.close());
  const generate = (cwd: string, ...argv: readonly string[]) => run(['generate', ...argv, '--sandbox-url', sandbox.url], { cwd });

  it('writes a decodable image of the true size, named after the prompt, and never over another one', async () => {
    const cwd = temporaryFolder();
    const flags = ['A red fox!', '--size', '1536x1024', '--format', 'webp', '--tier', 'preview', '--budget', '10m'];
    const first = await generate(cwd, ...flags);
    const second = await generate(cwd, ...flags, '--json');
    expect(first.exit).toBe(0);
    expect(first.out).toContain('a-red-fox.webp  1536x1024 webp');
    expect(JSON.parse(second.out).files[0]).toMatchObject({ path: 'a-red-fox-2.webp', width: 1536, height: 1024, format: 'webp' });
    expect(readdirSync(cwd).sort()).toEqual(['a-red-fox-2.webp', 'a-red-fox.webp']);
    const image = await sharp(join(cwd, 'a-red-fox.webp')).metadata();
    expect(image).toMatchObject({ format: 'webp', width: 1536, height: 1024 });
  });

  it('follows the name given: its ending is the format, its braces are filled in', async () => {
    const cwd = temporaryFolder();
    const { exit } = await generate(cwd, 'a fox', '--tier', 'preview', '--budget', '10m', '--n', '2', '-o', 'deep/{route}-{n}.jpg');
    expect(exit).toBe(0);
    expect(readdirSync(join(cwd, 'deep')).sort()).toEqual(['gpt-image-2-low-1.jpg', 'gpt-image-2-low-2.jpg']);
    expect((await sharp(join(cwd, 'deep', 'gpt-image-2-low-1.jpg')).metadata()).format).toBe('jpeg');
  });

  it('a preview is written beside its image the moment it is here', async () => {
    const cwd = temporaryFolder();
    const { exit, out, err } = await generate(cwd, 'a fox', '--preview', '--budget', '90s', '-o', 'fox.webp');
    expect(exit).toBe(0);
    expect(readdirSync(cwd).sort()).toEqual(['fox-preview.webp', 'fox.webp']);
    expect(out).toMatch(/preview\s+fox-preview\.webp {2}1024x1024 webp, \d+ kB, after [\d.]+ s/);
    expect(err.indexOf('preview is here: fox-preview.webp')).toBeLessThan(err.indexOf('gpt-image-2-medium@openai delivered'));
    const pointless = await generate(cwd, 'a fox', '--preview', '--tier', 'preview', '--json', '-o', 'low.webp');
    expect(JSON.parse(pointless.out).preview).toBeUndefined();
  });

  it('reference images and a mask make it an edit, paid for as one', async () => {
    const cwd = temporaryFolder();
    const plain = await sharp({ create: { width: 512, height: 512, channels: 4, background: '#c60' } })
      .png()
      .toBuffer();
    const hole = await sharp({ create: { width: 512, height: 512, channels: 4, background: '#0000' } })
      .png()
      .toBuffer();
    writeFileSync(join(cwd, 'fox.png'), plain);
    writeFileSync(join(cwd, 'hole.png'), hole);
    const flags = [
      '--reference',
      'fox.png',
      '--reference',
      'fox.png',
      '--mask',
      'hole.png',
      '--tier',
      'preview',
      '--budget',
      '60s',
      '--json',
    ];
    const { exit, out } = await generate(cwd, 'the same at night', ...flags);
    expect(exit).toBe(0);
    expect(JSON.parse(out).need).toMatchObject({ operation: 'edit', references: 2, hasMask: true });
    expect(sandbox.ledger().at(-1)?.references).toBe(2);
  });

  it('--consistent makes all images in one call', async () => {
    const { out } = await generate(
      temporaryFolder(),
      'a fox',
      '--n',
      '3',
      '--consistent',
      '--tier',
      'preview',
      '--budget',
      '60s',
      '--json',
    );
    const { trace, files } = JSON.parse(out);
    expect(files).toHaveLength(3);
    expect(trace.filter(({ kind }: { kind: string }) => kind === 'attempt-start')).toHaveLength(1);
  });

  it('tells a machine everything in one object: result, money, files, need, trace', async () => {
    const { exit, out, err } = await generate(temporaryFolder(), 'a fox', '--tier', 'preview', '--budget', '30s', '--json');
    const result = JSON.parse(out);
    expect(exit).toBe(0);
    expect(err).toBe('');
    expect(result).toMatchObject({
      route: 'gpt-image-2-low',
      tier: 'preview',
      degraded: null,
      need: { budgetMs: 30_000, policy: 'default' },
    });
    expect(result.cost.billedUsd).toBeGreaterThan(0);
    expect(result.trace.at(-1)).toMatchObject({ kind: 'end', end: 'delivered' });
  });

  it('a limit that cannot be met is refused with what would work, before anything is sent', async () => {
    const before = sandbox.ledger().length;
    const { exit, err } = await generate(temporaryFolder(), 'a fox', '--max-cost', '0.001');
    expect(exit).toBe(3);
    expect(err).toContain('error infeasible:');
    expect(err).toMatch(/would work: --max-cost 0\.\d+ \(gpt-image-2-low\)/);
    expect(sandbox.ledger()).toHaveLength(before);
  });

  it('a refused prompt ends with its own exit code and what it cost', async () => {
    const { exit, err } = await generate(temporaryFolder(), 'graphic gore');
    expect(exit).toBe(4);
    expect(err).toContain('error refused:');
    expect(err).toContain('cost: $0.00 billed, $0.00 possibly billed');
  });

  it('Ctrl-C prints what may have been billed and exits with 130', async () => {
    const controller = new AbortController();
    const onErr = (text: string): void => {
      if (text.includes('sent to')) controller.abort();
    };
    const argv = ['generate', 'a fox', '--tier', 'premium', '--sandbox', '--speed', '1'];
    const { exit, err } = await run(argv, { signal: controller.signal, onErr });
    expect(exit).toBe(130);
    expect(err).toContain('error cancelled:');
    expect(err).toMatch(/cost: \$0\.00 billed, \$0\.2\d* possibly billed/);
  });

  it('without keys the built-in sandbox answers and says so', async () => {
    const { exit, err } = await run(['generate', 'a fox', '--tier', 'preview', '--speed', '20', '-o', 'a.png']);
    expect(exit).toBe(0);
    expect(err).toContain('no provider keys are set: using the built-in sandbox at 20 times real speed');
  });

  it('reads the prompt from standard input', async () => {
    const { exit, out } = await run(['explain', '-', '--json'], { stdin: 'a poster saying "Grand opening at noon on Saturday"\n' });
    expect(exit).toBe(0);
    expect(JSON.parse(out).need.textAccuracy).toBe('exact');
  });

  it('a configuration file names endpoints, and takes its keys from the environment', async () => {
    const cwd = temporaryFolder();
    const lines = sandbox.endpoints.map(
      ({ id, provider, baseUrl }) => `  - { id: my-${id}, provider: ${provider}, baseUrl: "${baseUrl}", apiKey: "env:KEY" }`,
    );
    writeFileSync(join(cwd, 'router.yaml'), ['endpoints:', ...lines, 'speed: 50', ''].join('\n'));
    const argv = ['generate', 'a fox', '--tier', 'preview', '--config', 'router.yaml', '--json', '-o', 'fox.png'];
    const { exit, out } = await run(argv, { cwd, env: { KEY: 'sk-sandbox' } });
    expect(exit).toBe(0);
    expect(JSON.parse(out).target).toBe('gpt-image-2-low@my-openai');
    expect(readFileSync(join(cwd, 'fox.png')).length).toBeGreaterThan(100);
  });

  it('one aggregator key serves both providers', async () => {
    const env = { IMAGE_ROUTER_AGGREGATOR_KEY: 'sk-sandbox', IMAGE_ROUTER_AGGREGATOR_URL: `${sandbox.url}/agg/` };
    const flags = ['--speed', '50', '--json'];
    const openai = await run(['generate', 'a fox', '--route', 'gpt-image-2-low', ...flags], { env });
    const google = await run(['generate', 'a fox', '--route', 'nano-banana-pro', ...flags], { env });
    expect(JSON.parse(openai.out).target).toBe('gpt-image-2-low@aggregator-openai');
    expect(JSON.parse(google.out).target).toBe('nano-banana-pro@aggregator-google');
  });
});
