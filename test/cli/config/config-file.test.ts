import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, type StandIns } from '../../../src/cli/config/config-file.ts';
import { SANDBOX_STAND_INS } from '../../../src/cli/endpoints.ts';
import { isImageRouterError } from '../../../src/index.ts';
import { temporaryFolder } from '../terminal.ts';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));
const KEYS = { OPENAI_API_KEY: 'k' };

const load = (text: string, name = 'c.yaml', env: Readonly<Record<string, string>> = KEYS, standIns?: StandIns) => {
  writeFileSync(join(folder, name), text);
  return loadConfig(name, folder, env, standIns);
};

/** `place field rule`, of each problem. */
async function problems(text: string, name?: string): Promise<readonly string[]> {
  const error: unknown = await load(text, name).catch((cause: unknown) => cause);
  if (!isImageRouterError(error)) throw new Error('it was accepted');
  return error.problems.map((problem) => `${'at' in problem ? problem.at : ''} ${problem.field} ${problem.rule}`);
}

const ENDPOINT = 'endpoints:\n  - { id: openai, provider: openai, baseUrl: https://api.openai.com/v1, apiKey: env:OPENAI_API_KEY }\n';

describe('a configuration file', () => {
  it('holds the options of the library and a gateway beside them, both completed and frozen', async () => {
    const { options, gateway } = await load(`${ENDPOINT}gateway:\n  port: 9000\n  aliases: { dall-e-3: preview }\n`);
    expect(options.endpoints[0]?.apiKey).toBe('k');
    expect(gateway).toMatchObject({ host: '127.0.0.1', port: 9000, aliases: { 'dall-e-3': 'preview' }, drainMs: 30_000 });
    expect(Object.isFrozen(gateway.limits)).toBe(true);
  });

  it('may be JSON, name its schema, and leave its gateway empty', async () => {
    const endpoint = { id: 'openai', provider: 'openai', baseUrl: 'https://api.openai.com/v1', apiKey: 'k' };
    const { gateway } = await load(JSON.stringify({ $schema: './schema.json', endpoints: [endpoint], gateway: null }), 'c.json');
    expect(gateway.port).toBe(8787);
  });

  it('without endpoints is for the built-in sandbox, only where that is asked for, and at a speed of its own if it has one', async () => {
    const text = 'defaultPolicy: chat\ngateway:\n  port: 9000\n';
    expect(await problems(text)).toEqual(['c.yaml:1:1 endpoints is required']);
    const forSandbox = (more: string) => load(text + more, 'c.yaml', {}, SANDBOX_STAND_INS);
    const { options, gateway } = await forSandbox('');
    expect([options.endpoints.map(({ id }) => id), options.speed, options.defaultPolicy.id]).toEqual([['openai', 'google'], 10, 'chat']);
    expect(gateway.port).toBe(9000);
    expect((await forSandbox('speed: 3\n')).options.speed).toBe(3);
  });

  it('with endpoints is never used before a sandbox, and its other mistakes are told, too', async () => {
    const text = `policies: []\n${ENDPOINT}gateway:\n  prt: 1\n`;
    const error: unknown = await load(text, 'c.yaml', {}, SANDBOX_STAND_INS).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'invalid_config',
      problems: [
        { field: 'endpoints', at: 'c.yaml:2:1', rule: 'must not be in a file that is used with --sandbox' },
        { field: 'gateway.prt', at: 'c.yaml:5:3' },
      ],
    });
  });

  it('tells every mistake of both parts at once, each with its place', async () => {
    const text = `endpoints:
  - id: openai
    provider: opnai
    baseUrl: api.openai.com
    apiKey: env:UNSET
gateway:
  port: 99999
  limits:
    heldByte: 3
    jsonBytes: 1
  heartbeatMs: 99999999999
`;
    expect(await problems(text)).toEqual([
      'c.yaml:5:5 endpoints.0.apiKey names the environment variable UNSET, which is not set',
      'c.yaml:3:5 endpoints.0.provider must be one of openai, google',
      'c.yaml:4:5 endpoints.0.baseUrl must be an http or https URL',
      'c.yaml:7:3 gateway.port must be at most 65535',
      'c.yaml:10:5 gateway.limits.jsonBytes must be at least 1024',
      'c.yaml:9:5 gateway.limits.heldByte is not a known field',
      'c.yaml:11:3 gateway.heartbeatMs must be at most 3600000',
    ]);
  });

  it.each(['https://images.example.com/v1', 'https://user@images.example.com', 'https://images.example.com/?a=b'])(
    'has a public URL of scheme, host and port alone, not %s',
    async (url) => {
      expect(await problems(`${ENDPOINT}gateway: { publicUrl: "${url}" }\n`)).toEqual([
        expect.stringContaining('gateway.publicUrl must be scheme, host and port alone, such as https://images.example.com'),
      ]);
      expect((await load(`${ENDPOINT}gateway: { publicUrl: "https://images.example.com" }\n`)).gateway.publicUrl).toBe(
        'https://images.example.com',
      );
    },
  );

  it('tells unknown names in one part beside wrong values in the other', async () => {
    const text = `${ENDPOINT}defaultPolicy: chad\ngateway: { port: high }\n`;
    expect(await problems(text)).toEqual([
      'c.yaml:4:12 gateway.port must be a number',
      'c.yaml:3:1 defaultPolicy must name a known policy',
    ]);
  });

  it('finds keys that hold dots, and what stands behind an anchor', async () => {
    const text = `${ENDPOINT}gateway:\n  aliases:\n    gpt-image-1.5: auto\n    gpt-image-1.0: gpt-image-9\n  limits: &limits\n    jsonBytes: 5\n`;
    expect(await problems(text.replace('&limits\n    jsonBytes: 5', '{}'))).toEqual([
      'c.yaml:6:5 gateway.aliases.gpt-image-1.0 must name a known model',
    ]);
    expect(await problems(text)).toEqual(['c.yaml:8:5 gateway.limits.jsonBytes must be at least 1024']);
  });

  it('guesses what a misspelt part was meant to be', async () => {
    const error: unknown = await load(`${ENDPOINT}gatway: {}\n`).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ problems: [{ at: 'c.yaml:3:1', remedy: 'did you mean "gateway"?' }] });
  });

  it('refuses to hold less than its largest upload', async () => {
    expect(await problems(`${ENDPOINT}gateway: { limits: { uploadBytes: 500000000 } }\n`)).toEqual([
      'c.yaml:3:12 gateway.limits.heldBytes must be at least uploadBytes, or the largest upload is never taken',
    ]);
  });

  it('reads a proxy with its password from the environment, and never repeats it', async () => {
    const text = ENDPOINT.replace(' }', ', proxyUrl: env:PROXY }');
    const { options } = await load(text, 'c.yaml', { ...KEYS, PROXY: 'http://me:secret@127.0.0.1:3128' });
    expect(options.endpoints[0]?.proxyUrl).toBe('http://me:secret@127.0.0.1:3128');
    const error: unknown = await load(text, 'c.yaml', { ...KEYS, PROXY: 'me:secret@proxy' }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'invalid_config' });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it.each([
    ['a: [', /^c\.yaml:\d+:\d+ the file is not valid YAML/],
    ['', /^c\.yaml:1:1 the whole must be an object/],
    ['endpoints: &a [*a]', /^c\.yaml:1:\d+ /],
  ])('%j is told as a problem of the file', async (text, expected) => {
    expect((await problems(text))[0]).toMatch(expected);
  });
});
