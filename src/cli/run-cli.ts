// The program: every command on one commander tree, every failure through one door. Takes arguments and an Io, answers
// with the exit code; it never touches the process itself.
import { Command, CommanderError } from 'commander';
import { ERROR_CODES, isImageRouterError } from '../domain/error.ts';
import { addBatch } from './commands/batch.ts';
import { addClassify } from './commands/classify.ts';
import { addConfig } from './commands/config.ts';
import { addDemo } from './commands/demo.ts';
import { addDrill } from './commands/drill.ts';
import { addExplain } from './commands/explain.ts';
import { addGenerate } from './commands/generate.ts';
import { addKeys } from './commands/keys.ts';
import { addPolicies } from './commands/policies.ts';
import { addRoutes } from './commands/routes.ts';
import { addSandbox } from './commands/sandbox.ts';
import { addServe } from './commands/serve.ts';
import { addWorker } from './commands/worker.ts';
import { type Io, print, printJson } from './io.ts';
import { fromCommander, reportError } from './report-error.ts';
import { version } from './version.ts';

/** Anything that should not have happened. */
const UNEXPECTED_EXIT = 1;

export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const asJson = argv.includes('--json');
  let exit = 0;
  const fail = (code: number): void => {
    exit = code;
  };
  try {
    await programFor(io, fail).parseAsync(argv, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === 'commander.help') return ERROR_CODES.invalid_request.exit;
      return reportError(fromCommander(error), io, asJson);
    }
    if (isImageRouterError(error)) return reportError(error, io, asJson);
    return reportUnexpected(error, io, asJson);
  }
}

function programFor(io: Io, fail: (exit: number) => void): Command {
  const program = new Command('image-router')
    .description('The best image inside a deadline and a price cap, even while a provider is failing.')
    .version(version(), '--version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .addHelpText('after', `\n${HELP}`);
  for (const add of [
    addGenerate,
    addExplain,
    addRoutes,
    addPolicies,
    addClassify,
    addSandbox,
    addServe,
    addWorker,
    addKeys,
    addConfig,
    addDrill,
  ])
    add(program, io);
  addBatch(program, io, fail);
  addDemo(program, io, fail);
  return program;
}

const CODES_BY_EXIT = Map.groupBy(Object.entries(ERROR_CODES), ([, { exit }]) => exit);
const EXITS = [...CODES_BY_EXIT].map(([exit, codes]) => `  ${String(exit).padStart(3)}  ${codes.map(([code]) => code).join(', ')}`);
const HELP = `Keys, from the environment alone; without any, a built-in sandbox answers and nothing is billed:
  OPENAI_API_KEY (OPENAI_BASE_URL)
  GEMINI_API_KEY or GOOGLE_API_KEY (GOOGLE_GEMINI_BASE_URL)
  IMAGE_ROUTER_AGGREGATOR_KEY and IMAGE_ROUTER_AGGREGATOR_URL, one key for both

Exit codes:
    0  done
    1  unexpected: a defect of image-router, or a promise of the demo not kept
${EXITS.join('\n')}
A batch ends with 5 when some jobs failed, and with 3 when --max-cost left some out and none failed.

Errors go to stderr. With --json they are {"error": {...}} on stdout instead.
Wrong options and arguments are invalid_request; a file named in them that cannot be read is file_unreadable.
`;

function reportUnexpected(error: unknown, io: Io, asJson: boolean): number {
  const [line = ''] = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split('\n');
  const wantsStack = Boolean(io.env.IMAGE_ROUTER_DEBUG);
  const remedy = 'this is a defect; run it again with IMAGE_ROUTER_DEBUG=1 to see where';
  if (asJson) printJson(io.stdout, { error: { code: 'unexpected', message: line, problems: [], remedy, offers: [] } });
  else print(io.stderr, `error unexpected: ${line}\n  remedy: ${remedy}`);
  if (wantsStack && error instanceof Error) print(io.stderr, error.stack ?? '');
  return UNEXPECTED_EXIT;
}
