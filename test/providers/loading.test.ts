// What it costs to have the adapters: nothing until they are used, and no image library until a picture must be changed.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { picture } from './support/pictures.ts';

/** Runs in a fresh process and prints which heavy packages were loaded after each step. */
const PROBE = `
import { registerHooks } from 'node:module';
const loaded = new Set();
registerHooks({
  load(url, context, nextLoad) {
    for (const name of ['openai', '@google/genai', 'sharp']) if (url.includes('/node_modules/' + name + '/')) loaded.add(name);
    return nextLoad(url, context);
  },
});
const [, providers, encoded] = process.argv;
const steps = [];
const step = (name) => steps.push([name, [...loaded].sort()]);
const { createOpenAIProvider } = await import(providers + '/openai.ts');
const { createGoogleProvider } = await import(providers + '/google.ts');
await import(providers + '/provider.ts');
const { checkImage, checkReference } = await import(providers + '/image-check.ts');
const endpoint = (provider) => ({ id: provider, provider, baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k', apiVersion: 'v1' });
const clock = { now: () => 0, wall: () => new Date(0), timer: () => () => {}, speed: 1 };
const openai = createOpenAIProvider({ endpoints: [endpoint('openai')], clock });
const google = createGoogleProvider({ endpoints: [endpoint('google')], clock });
step('created');
const bytes = Buffer.from(encoded, 'base64');
if (checkImage(bytes).kind !== 'image') throw new Error('no image');
step('delivered picture checked');
if ((await checkReference(bytes)).kind !== 'image') throw new Error('no image');
step('reference checked');
await openai.ready();
step('openai ready');
await google.ready();
step('google ready');
process.stdout.write(JSON.stringify(steps));
`;

describe('the adapters', () => {
  it('load nothing before they need it', async () => {
    const providers = new URL('../../src/providers', import.meta.url);
    const encoded = (await picture(64, 64, 'png')).toString('base64');
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', PROBE, fileURLToPath(providers), encoded], {
      encoding: 'utf8',
    });
    expect(JSON.parse(printed)).toEqual([
      ['created', []],
      ['delivered picture checked', []],
      ['reference checked', ['sharp']],
      ['openai ready', ['openai', 'sharp']],
      ['google ready', ['@google/genai', 'openai', 'sharp']],
    ]);
  });
});
