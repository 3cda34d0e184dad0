// image-router classify: what prompts ask for, without choosing a route or sending anything. Files are read line by line
// and answered line by line, so that their size does not matter.
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { z } from 'zod';
import { classify } from '../../classify/classify.ts';
import { isImageRouterError, type Problem } from '../../domain/error.ts';
import type { Need } from '../../domain/need.ts';
import type { Policy } from '../../domain/policy.ts';
import { problemsError } from '../../domain/problem.ts';
import { unknownName } from '../../options.ts';
import { findSource, type SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, writeAll } from '../io.ts';
import { linesOfFile, numbered } from '../lines.ts';
import { describeEvidence } from '../need-text.ts';
import { addNeedOptions, type RequestFlags, requestOf } from '../request-options.ts';
import { type Column, renderTable } from '../table.ts';

type Flags = Pick<RequestFlags, 'budget' | 'text' | 'policy'> &
  Pick<SourceFlags, 'config'> & { readonly input?: string; readonly json?: boolean };

/** A row as far as it matters here; other fields are none of our business. */
const RowSchema = z.object({ id: z.union([z.string(), z.number()]).optional(), prompt: z.string() });
type Row = {
  readonly id: string | number;
  readonly prompt: string /** Undefined for a prompt given as an argument. */;
  readonly line: number | undefined;
};
type Classified = { readonly id: string | number; readonly need: Need };

export function addClassify(program: Command, io: Io): void {
  const command = program
    .command('classify')
    .description('what prompts ask for: lettering, complexity, tier, each with its evidence')
    .argument('[prompts...]', 'prompts; a single - reads JSON lines from standard input')
    .option('--input <file>', 'JSON lines with a prompt and optionally an id each; - is standard input')
    .option('--config <file>', 'include the policies of a configuration file')
    .option('--json', 'one JSON object a line: id, textAccuracy, complexity, complexityClass, tier, evidence');
  addNeedOptions(command).action((prompts: readonly string[], flags: Flags) => classifyAll(prompts, flags, io));
}

async function classifyAll(prompts: readonly string[], flags: Flags, io: Io): Promise<void> {
  const policy = await policyOf(flags, io);
  const rows = rowsOf(prompts, flags, io);
  const answers = classified(rows, flags, policy);
  if (flags.json === true) await printLines(answers, io);
  else await printTable(answers, io);
}

async function policyOf(flags: Flags, io: Io): Promise<Policy> {
  const { options } = await findSource({ ...(flags.config === undefined ? { sandbox: true } : { config: flags.config }) }, io);
  if (flags.policy === undefined) return options.defaultPolicy;
  const policy = options.policies.find((known) => known.id === flags.policy);
  if (policy === undefined)
    throw problemsError('invalid_request', 'request', [unknownName('policy', 'policy', flags.policy, options.policies)]);
  return policy;
}

function rowsOf(prompts: readonly string[], flags: Flags, io: Io): AsyncIterable<Row> {
  const input = prompts.length === 1 && prompts[0] === '-' ? '-' : flags.input;
  if (input === undefined && prompts.length === 0) {
    throw refusal({ field: 'prompt', rule: 'is required', value: undefined, remedy: 'give prompts, or a file of JSON lines with --input' });
  }
  if (flags.input !== undefined && prompts.length > 0) {
    throw refusal({ field: 'input', rule: 'must not be given together with prompts', value: undefined, remedy: 'give one of them' });
  }
  return input === undefined ? rowsOfArguments(prompts) : rowsOfLines(linesOf(input, io));
}

async function* rowsOfArguments(prompts: readonly string[]): AsyncIterable<Row> {
  for (const [index, prompt] of prompts.entries()) yield { id: index + 1, prompt, line: undefined };
}

function linesOf(input: string, io: Io): AsyncIterable<string> {
  if (input === '-') return createInterface({ input: Readable.from(io.stdin), crlfDelay: Number.POSITIVE_INFINITY });
  return linesOfFile(resolve(io.cwd, input), 'input', 'input file');
}

async function* rowsOfLines(lines: AsyncIterable<string>): AsyncIterable<Row> {
  for await (const { text, line } of numbered(lines)) yield rowOf(text, line);
}

function rowOf(text: string, line: number): Row {
  const parsed = RowSchema.safeParse(jsonOf(text, line));
  if (parsed.success) return { id: parsed.data.id ?? line, prompt: parsed.data.prompt, line };
  const path = parsed.error.issues[0]?.path.join('.') ?? '';
  const rule = path === 'prompt' ? 'must be text' : path === 'id' ? 'must be text or a number' : 'must be an object';
  throw refusal({ field: path === '' ? `line ${line}` : `line ${line}, ${path}`, rule, value: undefined, remedy: ROW_REMEDY });
}
const ROW_REMEDY = 'write one object a line, such as {"id": "a", "prompt": "a red fox"}';

function jsonOf(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal({ field: `line ${line}`, rule: 'is not JSON', value: undefined, remedy: ROW_REMEDY });
  }
}

function refusal(problem: Problem): Error {
  return problemsError('invalid_request', 'request', [problem]);
}

async function* classified(rows: AsyncIterable<Row>, flags: Flags, policy: Policy): AsyncIterable<Classified> {
  for await (const row of rows) yield { id: row.id, need: classify(requestOfRow(row, flags), policy) };
}

/** A prompt nobody could draw is told with its line. */
function requestOfRow({ prompt, line }: Row, flags: Flags): ReturnType<typeof requestOf> {
  try {
    return requestOf(prompt, {
      ...(flags.budget === undefined ? {} : { budget: flags.budget }),
      ...(flags.text === undefined ? {} : { text: flags.text }),
    });
  } catch (error) {
    if (line === undefined || !isImageRouterError(error)) throw error;
    const problems = error.problems.map((problem) =>
      problem.field === 'prompt' ? { ...problem, field: `line ${line}, prompt` } : problem,
    );
    throw problemsError(error.code, 'request', problems);
  }
}

/** Lines are handed over in batches of about this many characters. */
const BATCH_CHARACTERS = 64 * 1024;

async function printLines(answers: AsyncIterable<Classified>, io: Io): Promise<void> {
  let batch = '';
  try {
    for await (const { id, need } of answers) {
      const { textAccuracy, elements, complexity, tier, evidence } = need;
      batch += `${JSON.stringify({ id, textAccuracy, complexity: elements, complexityClass: complexity, tier, evidence })}\n`;
      if (batch.length < BATCH_CHARACTERS && !io.stdout.isTTY) continue;
      await writeAll(io.stdout, batch);
      batch = '';
    }
  } finally {
    if (batch !== '') await writeAll(io.stdout, batch);
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'lettering' },
  { title: 'elements', align: 'right' },
  { title: 'complexity' },
  { title: 'tier' },
  { title: 'because' },
];

/** Rows are aligned in pages, so that a long file is neither held in memory nor waited for. */
const PAGE_ROWS = 500;

async function printTable(answers: AsyncIterable<Classified>, io: Io): Promise<void> {
  let page: (readonly string[])[] = [];
  const flush = (): void => {
    if (page.length > 0) print(io.stdout, renderTable(COLUMNS, page, columnsOf(io.stdout)));
    page = [];
  };
  for await (const { id, need } of answers) {
    const because = need.evidence.filter(({ field }) => field === 'textAccuracy' || field === 'tier').map(describeEvidence);
    page.push([String(id), need.textAccuracy, String(need.elements), need.complexity, need.tier, because.join('; ')]);
    if (page.length >= PAGE_ROWS) flush();
  }
  flush();
}
