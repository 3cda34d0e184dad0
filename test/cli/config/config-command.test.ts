import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GatewaySettingsSchema } from '../../../src/gateway/config/settings.ts';
import { run, temporaryFolder } from '../terminal.ts';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));
const ENDPOINT = { id: 'openai', provider: 'openai', baseUrl: 'https://api.openai.com/v1', apiKey: 'k' };

type Property = { readonly description?: string; readonly items?: { readonly properties: Record<string, Property> } };

describe('image-router config', () => {
  it('prints a schema in which an editor finds every field of the top, of endpoints and of the gateway explained', async () => {
    const { exit, out } = await run(['config', 'schema']);
    expect(exit).toBe(0);
    const schema = JSON.parse(out);
    const { gateway, endpoints, ...others }: Record<string, Property> = schema.properties;
    const settings = schema.properties.gateway.properties;
    expect(Object.keys(settings)).toEqual(Object.keys(GatewaySettingsSchema.shape));
    const explained = { ...others, ...endpoints?.items?.properties, gateway, endpoints, ...settings, ...settings.limits.properties };
    for (const [name, property] of Object.entries<Property | undefined>(explained)) {
      const isPlain = name === 'id' || name === 'provider';
      expect(property?.description ?? (isPlain ? 'plain' : undefined), name).toMatch(/\w/);
    }
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', additionalProperties: false });
    expect(schema.required).toEqual(['endpoints']);
  });

  it('says that a good file is good, and where it would listen', async () => {
    writeFileSync(join(folder, 'good.json'), JSON.stringify({ endpoints: [ENDPOINT], gateway: { port: 9000 } }));
    const { exit, out } = await run(['config', 'check', 'good.json'], { cwd: folder });
    expect(exit).toBe(0);
    expect(out).toBe('good.json is good: endpoints openai; the gateway listens on 127.0.0.1:9000\n');
  });

  it('checks a file without endpoints for the built-in sandbox', async () => {
    writeFileSync(join(folder, 'gateway.json'), JSON.stringify({ gateway: { port: 9001 } }));
    expect((await run(['config', 'check', 'gateway.json'], { cwd: folder })).exit).toBe(2);
    const { exit, out } = await run(['config', 'check', 'gateway.json', '--sandbox'], { cwd: folder });
    expect(exit).toBe(0);
    expect(out).toContain('the gateway listens on 127.0.0.1:9001');
  });

  it('says what is wrong with a bad one, and where, also to machines, and shows no key', async () => {
    writeFileSync(join(folder, 'bad.json'), JSON.stringify({ endpoints: [{ ...ENDPOINT, apiKey: 's3cret' }], gateway: { prt: 1 } }));
    const told = await run(['config', 'check', 'bad.json'], { cwd: folder });
    expect(told.exit).toBe(2);
    expect(told.err).toMatch(/bad\.json:1:\d+ gateway\.prt is not a known field\n {2}remedy: did you mean "port"\?/);
    const { out } = await run(['config', 'check', 'bad.json', '--json'], { cwd: folder });
    expect(JSON.parse(out).error.problems).toMatchObject([{ field: 'gateway.prt', at: expect.stringMatching(/^bad\.json:1:\d+$/) }]);
    expect(out + told.err).not.toContain('s3cret');
  });
});
