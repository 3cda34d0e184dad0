// image-router policies: what is assumed of callers who say little. All in one table, or one in detail by its id.
import type { Command } from 'commander';
import type { Policy } from '../../domain/policy.ts';
import { problemsError } from '../../domain/problem.ts';
import { TEXT_ACCURACIES } from '../../domain/vocabulary.ts';
import { unknownName } from '../../options.ts';
import { durationText } from '../duration-text.ts';
import { findSource, type SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, printJson } from '../io.ts';
import { paintFor } from '../paint.ts';
import { type Column, renderPairs, renderTable } from '../table.ts';

type Flags = Pick<SourceFlags, 'config'> & { readonly json?: boolean };

const COLUMNS: readonly Column[] = [
  { title: 'policy' },
  { title: 'for' },
  { title: 'tier' },
  { title: 'size' },
  { title: 'format' },
  { title: 'waits', align: 'right' },
  { title: 'cap', align: 'right' },
  { title: 'worth', align: 'right' },
  { title: 'when late' },
];

export function addPolicies(program: Command, io: Io): void {
  program
    .command('policies')
    .description('every policy, or one in detail')
    .argument('[id]', 'the policy to show in detail')
    .option('--config <file>', 'include the policies of a configuration file')
    .option('--json', 'JSON on stdout')
    .action((id: string | undefined, flags: Flags) => showPolicies(id, flags, io));
}

async function showPolicies(id: string | undefined, flags: Flags, io: Io): Promise<void> {
  const { options } = await findSource({ ...flags, sandbox: flags.config === undefined }, io);
  const { policies } = options;
  if (id === undefined) {
    if (flags.json === true) printJson(io.stdout, policies);
    else print(io.stdout, renderTable(COLUMNS, policies.map(policyRow), columnsOf(io.stdout)));
    return;
  }
  const policy = policies.find((known) => known.id === id);
  if (policy === undefined) throw problemsError('invalid_request', 'request', [unknownName('policy', 'policy', id, policies)]);
  if (flags.json === true) printJson(io.stdout, policy);
  else print(io.stdout, `${paintFor(io.stdout, io.env)('bold', policy.title)}\n${renderPairs(policyPairs(policy), columnsOf(io.stdout))}`);
}

function policyRow(policy: Policy): readonly string[] {
  const { defaults } = policy;
  return [
    policy.id,
    policy.title,
    tiersInWords(policy),
    sizeOf(policy),
    formatOf(policy),
    defaults.latencyBudgetMs === undefined ? 'by tier' : durationText(defaults.latencyBudgetMs),
    defaults.maxCostUsd === undefined ? '-' : `$${defaults.maxCostUsd}`,
    `$${policy.valueUsd}`,
    defaults.onLate,
  ];
}

function tiersInWords(policy: Policy): string {
  if (policy.defaults.tier !== undefined) return policy.defaults.tier;
  const used = new Set(policy.tiers.flatMap((row) => TEXT_ACCURACIES.map((text) => row[text])));
  return [...used].join(' / ');
}

function sizeOf({ defaults }: Policy): string {
  return defaults.size ?? defaults.aspectRatio ?? '1024x1024';
}

function formatOf({ defaults }: Policy): string {
  return defaults.compression === undefined ? defaults.format : `${defaults.format} ${defaults.compression}`;
}

function policyPairs(policy: Policy): readonly (readonly [string, string])[] {
  const { defaults, patienceMs } = policy;
  const tierRows = policy.tiers.map(({ upToMs, none, some, exact }, index): readonly [string, string] => [
    index === 0 ? 'tier by budget' : '',
    `${upToMs === undefined ? 'above' : `up to ${durationText(upToMs)}`}: none ${none}, some ${some}, exact ${exact}`,
  ]);
  return [
    ['id', policy.id],
    ...(defaults.tier === undefined ? tierRows : [['tier', `always ${defaults.tier}`] as const]),
    ['lettering', defaults.textAccuracy === 'auto' ? 'read from the prompt' : defaults.textAccuracy],
    ['output', `${defaults.n} x ${sizeOf(policy)} ${formatOf(policy)}, background ${defaults.background}`],
    ['budget', defaults.latencyBudgetMs === undefined ? 'the patience of the tier' : durationText(defaults.latencyBudgetMs)],
    [
      'patience',
      Object.entries(patienceMs)
        .map(([tier, ms]) => `${tier} ${durationText(ms)}`)
        .join(', '),
    ],
    ['price cap', defaults.maxCostUsd === undefined ? 'none' : `$${defaults.maxCostUsd}`],
    ['worth', `$${policy.valueUsd} in time; ${policy.keptBelowNeed} of it for each way below the need`],
    ['when late', defaults.onLate],
    ['may degrade', policy.mayDegrade.join(', ') || 'nothing'],
    ['refused', policy.fallbackOnRefusal ? 'another vendor may be asked' : 'no other vendor is asked'],
    ['hedging', `at most $${policy.hedgeBudgetUsd} a request`],
    ['least chance', `${Math.round(policy.minChance * 100)} %`],
    ['priority', String(policy.priority)],
  ];
}
