import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CountingServer, startCountingServer } from './counting-server.ts';
import { run, temporaryFolder } from './terminal.ts';

type Case = {
  readonly name: string;
  readonly argv: readonly string[];
  readonly code?: string;
  readonly field: string;
  /** A part of the remedy. */
  readonly remedy: string;
  readonly exit?: number;
  /** A part of the message on stderr. */
  readonly says?: string;
  readonly env?: Readonly<Record<string, string>>;
};

const cwd = temporaryFolder();
const file = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};
const endpoint = 'endpoints:\n  - id: openai\n    provider: openai\n    baseUrl: http://127.0.0.1:9/v1\n';
const fox = (...flags: readonly string[]): readonly string[] => ['generate', 'a red fox', ...flags];
const withConfig = (name: string, text: string): readonly string[] => fox('--config', file(name, text));
mkdirSync(join(cwd, 'folder'));
const batch = (lines: readonly string[], ...flags: readonly string[]): readonly string[] => {
  batches += 1;
  return ['batch', file(`jobs-${batches}.jsonl`, `${lines.join('\n')}\n`), ...flags];
};
let batches = 0;
const A_FOX = '{"id":"fox","prompt":"a red fox"}';
file('text.png', 'no image at all');

const CASES: readonly Case[] = [
  { name: 'an empty prompt', argv: ['generate', ''], field: 'prompt', remedy: 'describe the image' },
  { name: 'a prompt of spaces', argv: ['generate', '   '], field: 'prompt', remedy: 'describe the image' },
  { name: '32 001 characters', argv: ['generate', 'x'.repeat(32_001)], field: 'prompt', remedy: '32000', says: 'at most 32000' },
  { name: 'no prompt', argv: ['generate'], field: 'prompt', remedy: 'argument' },
  { name: 'an unquoted prompt', argv: ['generate', 'a', 'red', 'fox'], field: 'arguments', remedy: 'quotation marks' },
  { name: 'a size off the grid', argv: fox('--size', '1920x1080'), field: 'size', remedy: '1920x1088', says: 'multiples of 16' },
  { name: 'a size in words', argv: fox('--size', 'big'), field: 'size', remedy: '1024x1024' },
  { name: 'size and ratio', argv: fox('--size', '1024x1024', '--aspect-ratio', '1:1'), field: 'aspectRatio', remedy: 'no size' },
  { name: 'a ratio in words', argv: fox('--aspect-ratio', 'wide'), field: 'aspectRatio', remedy: '16:9' },
  { name: 'no images', argv: fox('--n', '0'), field: 'n', remedy: '1 to 10' },
  { name: 'eleven images', argv: fox('--n', '11'), field: 'n', remedy: '1 to 10' },
  { name: 'one and a half images', argv: fox('--n', '1.5'), field: 'n', remedy: '1 to 10' },
  { name: 'images in words', argv: fox('--n', 'two'), field: 'n', remedy: '1 to 10' },
  { name: 'compressed png', argv: fox('--format', 'png', '--compression', '80'), field: 'compression', remedy: 'jpeg or webp' },
  { name: 'png by name, compressed', argv: fox('-o', 'a.png', '--compression', '80'), field: 'compression', remedy: 'jpeg or webp' },
  { name: 'compression of 101', argv: fox('--format', 'jpeg', '--compression', '101'), field: 'compression', remedy: '0 to 100' },
  { name: 'transparent jpeg', argv: fox('--format', 'jpeg', '--background', 'transparent'), field: 'background', remedy: 'png or webp' },
  { name: 'an unknown option', argv: fox('--buget', '8s'), field: '--buget', remedy: '--budget' },
  { name: 'an option without value', argv: fox('--budget'), field: '--budget', remedy: '--budget <duration>' },
  { name: 'an unknown command', argv: ['genrate', 'a red fox'], field: 'genrate', remedy: 'generate' },
  { name: 'a negative budget', argv: fox('--budget', '-5s'), field: 'latencyBudgetMs', remedy: '8s' },
  { name: 'no budget at all', argv: fox('--budget', '0s'), field: 'latencyBudgetMs', remedy: 'above zero' },
  { name: 'a budget that is no number', argv: fox('--budget', 'NaN'), field: 'latencyBudgetMs', remedy: '8s' },
  { name: 'an unknown unit', argv: fox('--budget', '8 parsecs'), field: 'latencyBudgetMs', remedy: '8s', says: 'ms, s, m or h' },
  { name: 'a budget of a year', argv: fox('--budget', '9000h'), field: 'latencyBudgetMs', remedy: 'at most a day' },
  { name: 'a negative cap', argv: fox('--max-cost', '-1'), field: 'maxCostUsd', remedy: '0.10' },
  { name: 'a cap in words', argv: fox('--max-cost', 'abc'), field: 'maxCostUsd', remedy: '0.10' },
  { name: 'an unknown policy', argv: fox('--policy', 'chatt'), field: 'policy', remedy: 'did you mean "chat"?' },
  { name: 'an unknown route', argv: fox('--route', 'gpt-image-2-lo'), field: 'route', remedy: 'did you mean "gpt-image-2-low"?' },
  { name: 'an unknown tier', argv: fox('--tier', 'luxury'), field: 'tier', remedy: 'preview, standard, premium' },
  { name: 'an unknown quality', argv: fox('--quality', 'best'), field: 'quality', remedy: 'low, medium, high' },
  { name: 'an unknown format', argv: fox('--format', 'gif'), field: 'format', remedy: 'png, jpeg, webp' },
  { name: 'unknown lettering', argv: fox('--text', 'perfect'), field: 'textAccuracy', remedy: 'none, some, exact' },
  { name: 'unknown lateness', argv: fox('--on-late', 'cry'), field: 'onLate', remedy: 'degrade, fail' },
  { name: 'an unknown background', argv: fox('--background', 'blue'), field: 'background', remedy: 'png or webp' },
  { name: 'quality and tier', argv: fox('--quality', 'low', '--tier', 'preview'), field: 'tier', remedy: 'either tier or quality' },
  { name: 'a tenant with spaces', argv: fox('--tenant', 'a b'), field: 'tenant', remedy: 'short id' },
  { name: 'speed of zero', argv: fox('--speed', '0'), field: 'speed', remedy: 'above 0' },
  { name: 'speed in words', argv: fox('--speed', 'fast'), field: 'speed', remedy: 'above 0' },
  { name: 'an unknown profile', argv: fox('--profile', 'rosy'), field: 'profile', remedy: 'brief, field' },
  {
    name: 'scaled time with real keys',
    argv: fox('--speed', '5'),
    env: { OPENAI_API_KEY: 'sk-secret', OPENAI_BASE_URL: 'https://api.example.com/v1' },
    field: 'speed',
    remedy: '--sandbox',
  },
  {
    name: 'two places to send calls',
    argv: fox('--sandbox-url', 'http://127.0.0.1:9', '--config', 'a.yaml'),
    field: 'sandboxUrl',
    remedy: 'one place',
  },
  {
    name: 'endpoints in a file that is used with the sandbox',
    argv: [...withConfig('real.yaml', `${endpoint}    apiKey: k\n`), '--sandbox'],
    code: 'invalid_config',
    field: 'endpoints',
    remedy: 'leave --sandbox out',
    says: 'real.yaml:1:1',
  },
  {
    name: 'no endpoints, and no word of a sandbox',
    argv: withConfig('gateway.yaml', 'gateway:\n  port: 0\n'),
    code: 'invalid_config',
    field: 'endpoints',
    remedy: 'at least one endpoint',
  },
  {
    name: 'a sandbox that is not there',
    argv: fox('--sandbox-url', 'http://127.0.0.1:9'),
    field: 'sandboxUrl',
    remedy: 'image-router sandbox',
  },
  {
    name: 'a wrong base URL in the environment',
    argv: fox(),
    env: { OPENAI_API_KEY: 'sk-secret', OPENAI_BASE_URL: 'api.openai.com' },
    code: 'invalid_config',
    field: 'OPENAI_BASE_URL',
    remedy: 'full URL',
  },
  {
    name: 'an aggregator without its URL',
    argv: fox(),
    env: { IMAGE_ROUTER_AGGREGATOR_KEY: 'sk-secret' },
    code: 'invalid_config',
    field: 'IMAGE_ROUTER_AGGREGATOR_URL',
    remedy: 'set IMAGE_ROUTER_AGGREGATOR_URL',
  },
  {
    name: 'an unknown key in the configuration',
    argv: withConfig('key.yaml', `${endpoint}    apiKey: k\n    modle: x\n`),
    code: 'invalid_config',
    field: 'endpoints.0.modle',
    remedy: 'did you mean "model',
    says: 'key.yaml:6:5',
  },
  {
    name: 'broken YAML',
    argv: withConfig('broken.yaml', 'endpoints: [\n  - id: {'),
    code: 'invalid_config',
    field: 'the file',
    remedy: 'correct the syntax',
    says: 'broken.yaml:',
  },
  {
    name: 'a wrong type in the configuration',
    argv: withConfig('type.yaml', `${endpoint}    apiKey: k\nspeed: fast\n`),
    code: 'invalid_config',
    field: 'speed',
    remedy: 'above 0',
    says: 'type.yaml:6:1',
  },
  {
    name: 'a configuration without a key',
    argv: withConfig('keyless.yaml', endpoint),
    code: 'invalid_config',
    field: 'endpoints.0.apiKey',
    remedy: 'env:NAME',
    says: 'keyless.yaml:2:5',
  },
  {
    name: 'a key from a variable that is not set',
    argv: withConfig('env.yaml', `${endpoint}    apiKey: env:NO_SUCH_KEY\n`),
    code: 'invalid_config',
    field: 'endpoints.0.apiKey',
    remedy: 'set NO_SUCH_KEY',
    says: 'env.yaml:5:5',
  },
  {
    name: 'a wrong base URL in the configuration',
    argv: withConfig('url.yaml', 'endpoints:\n  - { id: a, provider: openai, apiKey: k, baseUrl: "ftp://x" }\n'),
    code: 'invalid_config',
    field: 'endpoints.0.baseUrl',
    remedy: 'full URL',
    says: 'url.yaml:2:43',
  },
  {
    name: 'two endpoints of one name',
    argv: withConfig('twice.yaml', `${endpoint}    apiKey: k\n${endpoint.replace('endpoints:\n', '')}    apiKey: k\n`),
    code: 'invalid_config',
    field: 'endpoints.1.id',
    remedy: 'another id',
    says: 'twice.yaml:6:5',
  },
  { name: 'no such configuration', argv: fox('--config', 'no.yaml'), code: 'file_unreadable', field: 'config', remedy: 'check the path' },
  { name: 'an output below a file', argv: fox('-o', '/dev/null/a/b.png'), field: 'output', remedy: 'another file or folder' },
  { name: 'a name against the format', argv: fox('-o', 'a.webp', '--format', 'png'), field: 'output', remedy: '.png' },
  {
    name: 'a reference that is not there',
    argv: fox('--reference', 'no.png'),
    code: 'file_unreadable',
    field: 'referenceImages',
    remedy: 'check the path',
  },
  {
    name: 'a reference that is no image',
    argv: fox('--reference', 'text.png'),
    field: 'referenceImages',
    remedy: 'complete PNG',
    says: 'text.png',
  },
  {
    name: 'seventeen references',
    argv: fox(...Array.from({ length: 17 }, () => ['--reference', 'text.png']).flat()),
    field: 'referenceImages',
    remedy: 'keep the 16',
  },
  { name: 'a mask without a reference', argv: fox('--mask', 'text.png'), field: 'mask', remedy: 'add --reference' },
  {
    name: 'a mask that is not there',
    argv: fox('--reference', 'text.png', '--mask', 'no.png'),
    code: 'file_unreadable',
    field: 'mask',
    remedy: 'check',
  },
  { name: 'no jobs file', argv: ['batch', 'no.jsonl'], code: 'file_unreadable', field: 'jobs', remedy: 'check the path' },
  { name: 'a folder of jobs', argv: ['batch', 'folder'], code: 'file_unreadable', field: 'jobs', remedy: 'check the path' },
  { name: 'a file without jobs', argv: batch(['', '']), field: 'jobs', remedy: 'one object a line' },
  { name: 'a job that is no JSON', argv: batch([A_FOX, '{"prompt"']), field: 'line 2', remedy: 'one object a line' },
  { name: 'a job that is a list', argv: batch([A_FOX, '[]']), field: 'line 2', remedy: 'one object a line' },
  { name: 'a job without a prompt', argv: batch(['{"id":"a"}']), field: 'line 1, prompt', remedy: 'describe the image' },
  {
    name: 'a misspelt field of a job',
    argv: batch(['{"prompt":"a","sise":"auto"}']),
    field: 'line 1, sise',
    remedy: 'did you mean "size"?',
  },
  { name: 'a size off the grid in a job', argv: batch([A_FOX, '{"prompt":"a","size":"big"}']), field: 'line 2, size', remedy: '1024x1024' },
  { name: 'a job of an unknown policy', argv: batch(['{"prompt":"a","policy":"chatt"}']), field: 'line 1, policy', remedy: '"chat"' },
  {
    name: 'two jobs of one id',
    argv: batch([A_FOX, '{"prompt":"an owl"}', A_FOX.replace('fox"', 'FOX"')]),
    field: 'line 3, id',
    remedy: 'another id',
    says: 'line 3, id is already used in line 1',
  },
  {
    name: 'two jobs that would write one file',
    argv: batch(['{"id":"a-2","prompt":"a"}', '{"id":"a","prompt":"a","n":3}']),
    field: 'line 2, id',
    remedy: 'another id',
    says: 'would write a-2, which line 1 writes too',
  },
  { name: 'an id that is a path', argv: batch(['{"id":"../a","prompt":"a"}']), field: 'line 1, id', remedy: 'names the image file' },
  {
    name: 'a job whose reference is not there',
    argv: batch(['{"prompt":"a","referenceImages":["no.png"]}']),
    field: 'line 1, referenceImages',
    remedy: 'relative to the jobs file',
  },
  {
    name: 'references that are no paths',
    argv: batch(['{"prompt":"a","referenceImages":"a.png"}']),
    field: 'line 1, referenceImages',
    remedy: 'give paths',
  },
  {
    name: 'a mask without references in a job',
    argv: batch(['{"prompt":"a","mask":"a.png"}']),
    field: 'line 1, mask',
    remedy: 'add reference',
  },
  { name: 'nothing at a time', argv: batch([A_FOX], '--concurrency', '0'), field: 'concurrency', remedy: '1 to 1000' },
  { name: 'five thousand at a time', argv: batch([A_FOX], '--concurrency', '5000'), field: 'concurrency', remedy: '1 to 1000' },
  { name: 'a batch for nothing', argv: batch([A_FOX], '--max-cost', '0'), field: 'maxCostUsd', remedy: '1.00' },
  { name: 'a batch into a file', argv: batch([A_FOX], '--out', '/dev/null/out'), field: 'out', remedy: 'another file or folder' },
  { name: 'an unknown bad day', argv: ['drill', 'outge'], field: 'fault', remedy: 'did you mean "outage"?' },
  { name: 'a bad day of nobody', argv: ['drill', 'hang', '--provider', 'acme'], field: 'provider', remedy: 'openai, google' },
  {
    name: 'a bad day of a provider without an endpoint',
    argv: ['drill', 'hang', '--provider', 'google', '--config', file('openai.yaml', `${endpoint}    apiKey: k\n`)],
    field: 'provider',
    remedy: 'your configuration uses openai',
  },
  { name: 'a drill of one request', argv: ['drill', 'hang', '--requests', '1'], field: 'requests', remedy: '3 to 1000' },
  { name: 'a drill at no rate', argv: ['drill', 'hang', '--rate', '0'], field: 'rate', remedy: '0.5' },
  { name: 'a drill of an unknown policy', argv: ['drill', 'hang', '--policy', 'chatt'], field: 'policy', remedy: '"chat"' },
  { name: 'nothing to classify', argv: ['classify'], field: 'prompt', remedy: '--input' },
  { name: 'no such input', argv: ['classify', '--input', 'no.jsonl'], code: 'file_unreadable', field: 'input', remedy: 'check the path' },
  { name: 'a folder as input', argv: ['classify', '--input', 'folder'], code: 'file_unreadable', field: 'input', remedy: 'check the path' },
  {
    name: 'a malformed row',
    argv: ['classify', '--input', file('bad.jsonl', '{"prompt":"a"}\n{"prompt"\n')],
    field: 'line 2',
    remedy: 'one object a line',
  },
  {
    name: 'a row without a prompt',
    argv: ['classify', '--input', file('no-prompt.jsonl', '\n{"id":"a"}\n')],
    field: 'line 2, prompt',
    remedy: 'one object a line',
  },
  {
    name: 'a row with an empty prompt',
    argv: ['classify', '--input', file('empty.jsonl', '{"prompt":" "}\n')],
    field: 'line 1, prompt',
    remedy: 'describe',
  },
  { name: 'a policy nobody knows', argv: ['policies', 'postr'], field: 'policy', remedy: 'did you mean "poster"?' },
  { name: 'an explanation of nothing', argv: ['explain', ' '], field: 'prompt', remedy: 'describe' },
  { name: 'a port that is none', argv: ['sandbox', '--port', '70000'], field: 'port', remedy: '65535' },
  { name: 'unknown pictures', argv: ['sandbox', '--pictures', 'nice'], field: 'pictures', remedy: 'honest, light' },
  {
    name: 'an unknown fault',
    argv: ['sandbox', '--script', file('script.json', '{"rules":[{"fault":"outge"}]}')],
    field: 'script.rules.0.fault',
    remedy: 'did you mean "outage"?',
  },
  { name: 'a script that is no JSON', argv: ['sandbox', '--script', file('script.txt', 'rules:')], field: 'script', remedy: '"rules"' },
  { name: 'a report where none can be', argv: ['demo', '--out', '/dev/null/out'], field: 'out', remedy: 'another file or folder' },
];

describe('bad input', () => {
  let provider: CountingServer;
  beforeAll(async () => {
    provider = await startCountingServer();
  });
  afterAll(() => provider.close());

  const environment = (): Record<string, string> => ({
    OPENAI_API_KEY: 'sk-secret',
    OPENAI_BASE_URL: `${provider.url}/v1`,
    GEMINI_API_KEY: 'sk-secret',
    GOOGLE_GEMINI_BASE_URL: provider.url,
  });

  it.each(CASES)(
    '$name is one clear error, and nothing is sent',
    async ({ argv, code = 'invalid_request', field, remedy, exit = 2, says, env }) => {
      const people = await run(argv, { env: env ?? environment(), cwd });
      const machine = await run(argv[0] === 'demo' ? argv : argv.toSpliced(1, 0, '--json'), { env: env ?? environment(), cwd });
      expect(people.exit).toBe(exit);
      expect(people.err).toContain(`error ${code}:`);
      expect(people.err).toContain(remedy);
      if (says !== undefined) expect(people.err).toContain(says);
      expect(people.err + people.out).not.toMatch(/\n\s+at |sk-secret|node:internal/);
      expect(provider.requests()).toBe(0);
      if (argv[0] === 'demo') return;
      expect(machine.exit).toBe(exit);
      const lines = argv[0] === 'classify' ? machine.out.slice(machine.out.indexOf('{\n')) : machine.out;
      const { error } = JSON.parse(lines);
      expect(error.code).toBe(code);
      expect(error.problems.map((problem: { field: string }) => problem.field)).toContain(field);
      expect(error.problems.map((problem: { remedy: string }) => problem.remedy).join('\n')).toContain(remedy);
    },
  );

  it('all mistakes of one command line show at once', async () => {
    const { err } = await run(fox('--size', 'big', '--n', '0', '--format', 'gif'), { env: environment(), cwd });
    expect(err).toContain('3 problems');
    for (const option of ['--size', '--n', '--format']) expect(err).toContain(`- ${option} `);
  });
});
