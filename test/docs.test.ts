// What the documentation shows must work: every YAML block is a configuration the command line accepts, every path exists,
// and what it says to a gateway is said to one.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/cli/config/config-file.ts';
import { DEFAULT_SETTINGS, GatewaySettingsSchema } from '../src/gateway/config/settings.ts';
import { EditBodySchema, GenerationBodySchema, HEADER_FIELDS } from '../src/gateway/http/openai/body.ts';
import { run } from './cli/terminal.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'image-router-docs-'));
const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const KEYS = { OPENAI_API_KEY: 'k', GEMINI_API_KEY: 'k', RELAY_KEY: 'k', AZURE_OPENAI_API_KEY: 'k' };

afterAll(() => rmSync(folder, { recursive: true }));

function blocks(page: string, language: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
}

const configurations = pages.flatMap((page) => blocks(page, 'yaml').map((text, index) => [`${page}, block ${index + 1}`, text] as const));

describe('the documentation', () => {
  it.each(configurations)('%s is a configuration that works', async (name, text) => {
    const file = join(folder, `${name.replaceAll(/\W+/g, '-')}.yaml`);
    writeFileSync(file, text);
    const options = await loadConfig(file, folder, KEYS);
    expect(options.options.endpoints.length).toBeGreaterThan(0);
  });

  it('links only to files that are there', () => {
    for (const page of pages) {
      const text = readFileSync(join(ROOT, page), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
        expect(existsSync(join(ROOT, page, '..', target)), `${page} -> ${target}`).toBe(true);
      }
    }
  });

  it('names every folder of the sources', () => {
    const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
    for (const entry of readdirSync(join(ROOT, 'src'), { withFileTypes: true }))
      if (entry.isDirectory()) expect(text).toContain(`${entry.name}/`);
  });
});

describe('the page on the gateway', () => {
  const page = readFileSync(join(ROOT, 'docs/gateway.md'), 'utf8');

  it('names every field and header of a request', () => {
    const names = [...Object.keys(GenerationBodySchema.shape), ...Object.keys(EditBodySchema.shape), ...Object.keys(HEADER_FIELDS)];
    for (const name of names) expect(page).toContain(`\`${name}\``);
  });

  it('gives every setting with its true default, and no other', () => {
    const { limits, imageUrls, jobs, webhooks, ...others } = DEFAULT_SETTINGS;
    const nested = (prefix: string, part: object) => Object.entries(part).map(([name, value]) => [`${prefix}.${name}`, value] as const);
    const known = new Map<string, unknown>([
      ...Object.keys(GatewaySettingsSchema.shape).map((name) => [name, undefined] as const),
      ...Object.entries(others),
      ...nested('limits', limits),
      ...nested('imageUrls', imageUrls),
      ...nested('jobs', jobs),
      ...nested('webhooks', webhooks),
    ]);
    for (const part of ['limits', 'imageUrls', 'jobs', 'webhooks']) known.delete(part);
    const table = page.slice(page.indexOf('## Settings'), page.indexOf('## Reload'));
    const rows = [...table.matchAll(/^\| `([\w.]+)`(?: \*)? \| (.*?) \|/gm)].map(([, name = '', value = '']) => [name, value] as const);
    const text = (value: unknown): string =>
      value === undefined ? 'none' : typeof value === 'object' ? JSON.stringify(value) : String(value);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries([...known].map(([name, value]) => [name, text(value)])));
  });
});

describe('what the README says to a gateway', () => {
  const SHOWN = 'http://127.0.0.1:8787';
  const stop = new AbortController();
  let url = '';
  let served: Promise<unknown>;

  beforeAll(async () => {
    writeFileSync(
      join(folder, 'fox.webp'),
      await sharp({ create: { width: 64, height: 64, channels: 3, background: 'orange' } })
        .webp()
        .toBuffer(),
    );
    url = await new Promise<string>((resolve, reject) => {
      const onOut = (text: string): void => {
        const found = /^gateway\s+(\S+)/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      };
      served = run(['serve', '--port', '0'], { cwd: folder, signal: stop.signal, onOut }).then(({ err }) => reject(new Error(err)));
    });
  });
  afterAll(async () => {
    stop.abort();
    await served;
  });

  const lines = blocks('README.md', 'console')
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('$ curl') && line.includes(SHOWN));

  it('is several lines of curl', () => {
    expect(lines.length).toBeGreaterThanOrEqual(5);
  });

  it.each(lines)('%s', async (line) => {
    const command = `${line.slice(2).replace(SHOWN, url)} -o answer -w '%{http_code}'`;
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: folder });
    // A job is accepted, everything else is answered.
    expect(stdout).toBe(line.includes('/jobs') && line.includes(' -d ') ? '202' : '200');
    expect(readFileSync(join(folder, 'answer'), 'utf8')).toMatch(/b64_json|"object":|image_generation\.completed/);
  });

  it('is OpenAI’s own client in TypeScript', async () => {
    const [code = ''] = blocks('README.md', 'ts').filter((block) => block.includes(SHOWN));
    const argv = ['--input-type=module-typescript', '--eval', code.replace(SHOWN, url)];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: ROOT, env: { PATH: process.env.PATH } });
    expect(stdout).toMatch(/^\d{4,}\n(?:image_generation\.partial_image\n)?image_generation\.completed\n$/);
  });
});
