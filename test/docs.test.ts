// What the documentation shows must work: every YAML block is a configuration the command line accepts, every path exists.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/cli/config/config-file.ts';

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
