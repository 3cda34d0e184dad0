// image-router explain: what generate would do now and why, without sending or spending anything.
import type { Command } from 'commander';
import type { Infeasible, Plan } from '../../domain/plan.ts';
import { type AttachmentFlags, readAttachments } from '../attached-files.ts';
import type { SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, printJson } from '../io.ts';
import { needJson, needPairs } from '../need-text.ts';
import { addSourceOptions, planningRouter } from '../open-world.ts';
import { paintFor } from '../paint.ts';
import { attemptLines, planJson, planVerdict, targetTable } from '../plan-text.ts';
import { addRequestOptions, OPTION_OF_FIELD, type RequestFlags, requestOf } from '../request-options.ts';
import { renderPairs } from '../table.ts';
import { promptOf } from './generate.ts';

type Flags = RequestFlags & AttachmentFlags & SourceFlags & { readonly json?: boolean };

export function addExplain(program: Command, io: Io): void {
  const command = program
    .command('explain')
    .description('what generate would do and why; sends nothing, costs nothing, needs no keys')
    .argument('<prompt>', 'what the image shows; - reads standard input')
    .option('--json', 'one JSON object on stdout');
  addSourceOptions(addRequestOptions(command)).action((prompt: string, flags: Flags) => explain(prompt, flags, io));
}

async function explain(argument: string, flags: Flags, io: Io): Promise<void> {
  const request = requestOf(await promptOf(argument, io), flags, await readAttachments(flags, io.cwd));
  const { router } = await planningRouter(flags, io);
  const { need, plan, preview } = router.explain(request);
  if (flags.json === true) {
    printJson(io.stdout, { need: needJson(need), plan: planJson(plan), preview: preview === undefined ? null : planJson(preview) });
    return;
  }
  const paint = paintFor(io.stdout, io.env);
  const width = columnsOf(io.stdout);
  const offers =
    plan.kind === 'plan'
      ? []
      : plan.offers.map((offer) => `would work: ${OPTION_OF_FIELD[offer.change] ?? offer.change} ${offer.to} (${offer.route})`);
  const warnings = need.warnings.map(({ code, detail }) => paint('yellow', `  ${code}: ${detail}`));
  print(
    io.stdout,
    [
      paint('bold', 'need'),
      renderPairs(needPairs(need), width),
      ...warnings,
      '',
      paint('bold', 'routes'),
      targetTable(plan, width, paint),
      '',
      ...(preview === undefined ? [] : [paint('bold', 'preview'), ...attemptsAndVerdict(preview), '']),
      paint('bold', 'plan'),
      ...attemptsAndVerdict(plan),
      ...offers.map((line) => `  ${line}`),
    ].join('\n'),
  );
}

function attemptsAndVerdict(plan: Plan | Infeasible): readonly string[] {
  return [...attemptLines(plan).map((line, index) => `${index + 1}. ${line}`), planVerdict(plan)].map((line) => `  ${line}`);
}
