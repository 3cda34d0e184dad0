// image-router drill: a fire drill. The caller's own configuration meets a bad day of one provider, in a sandbox, and the
// table says what users would have got. No provider is called, whatever keys are set.
import type { Command } from 'commander';
import { ImageRouterError, type Problem } from '../../domain/error.ts';
import { dollars, formatUsd } from '../../domain/money.ts';
import type { Policy } from '../../domain/policy.ts';
import { nearest, problemsError } from '../../domain/problem.ts';
import { PROVIDER_KINDS, type ProviderKind } from '../../domain/vocabulary.ts';
import { type ResolvedOptions, unknownName } from '../../options.ts';
import { systemClock } from '../../system/clock.ts';
import { adviseOn } from '../drill/advice.ts';
import { DRILL_FAULT_NAMES, DRILL_FAULTS, type DrillFaultName } from '../drill/drill-faults.ts';
import { type Figures, figuresOf } from '../drill/figures.ts';
import { type DrillOrder, type DrillRun, faultFrom, isFirst, type Observation, runDrill, warmUp } from '../drill/run-drill.ts';
import { durationText } from '../duration-text.ts';
import { findSource, readSpeed, type SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, printJson } from '../io.ts';
import { startLiveLine } from '../live-line.ts';
import { paintFor } from '../paint.ts';
import { readNumber, wholeNumber } from '../quantities.ts';
import { type Column, renderPairs, renderTable } from '../table.ts';

type Flags = Omit<SourceFlags, 'sandboxUrl'> & {
  readonly provider: string;
  readonly policy?: string;
  readonly requests: string;
  readonly rate: string;
  readonly speed?: string;
  readonly json?: boolean;
};

/** Three, so that some come before the fault and some after; the most takes about a minute. */
const FEWEST_REQUESTS = 3;
const MOST_REQUESTS = 1_000;
const MOST_RATE = 20;

export function addDrill(program: Command, io: Io): void {
  program
    .command('drill')
    .description('what your users would get on a bad day of a provider: your configuration, played against the sandbox')
    .argument('<fault>', DRILL_FAULT_NAMES.join(', '))
    .option('--provider <name>', 'who has the bad day: openai or google', 'openai')
    .option('--policy <id>', "the policy of every request; default: the configuration's own default")
    .option('--requests <count>', 'requests in all; the fault starts after a third of them', '20')
    .option('--rate <count>', 'requests a second, in world time', '0.5')
    .option('--config <file>', 'endpoints, routes and policies from a YAML or JSON file; its endpoints are never called')
    .option('--sandbox', 'both providers, whatever keys are set')
    .option('--profile <name>', 'latency: brief or field')
    .option('--speed <factor>', 'world seconds per real second; default: 20, less where budgets are short')
    .option('--json', 'one JSON object on stdout')
    .action((fault: string, flags: Flags) => drill(fault, flags, io));
}

async function drill(faultName: string, flags: Flags, io: Io): Promise<void> {
  const fault = faultNamed(faultName);
  // The speed is the sandbox's here, never that of the endpoints named in the configuration.
  const { speed: speedText, ...sourceFlags } = flags;
  const { options } = await findSource(sourceFlags, io);
  const provider = providerNamed(flags.provider, options);
  const policy = policyNamed(flags.policy, options);
  const order = {
    options,
    provider,
    policy: policy.id,
    requests: wholeNumber('requests', flags.requests, FEWEST_REQUESTS, MOST_REQUESTS),
    rate: rateOf(flags.rate),
    speed: speedText === undefined ? speedFor(policy) : readSpeed(speedText),
  };
  const [broken, whole] = await bothRuns({ ...order, fault }, io);
  const isMet = ({ index }: { readonly index: number }): boolean => index >= faultFrom(order.requests);
  const during = broken.observations.filter(isMet);
  const before = figuresOf(broken.observations.filter((one) => !isMet(one)));
  const without = figuresOf(whole.observations.filter(isMet));
  const figures = figuresOf(during);
  const advice = adviseOn({ endpoints: options.endpoints, policy, during, figures, without });
  const report: Report = {
    fault,
    order,
    policy,
    before,
    during: figures,
    without,
    notices: broken.notices,
    avoidedFrom: avoidedFrom(during, order),
    advice,
  };
  if (flags.json === true) printJson(io.stdout, reportJson(report));
  else print(io.stdout, reportText(report, io));
}

const USUAL_SPEED = 20;
/** Real milliseconds a budget should last at least: this machine's own work, some tens of them, must not decide who is late. */
const SHORTEST_REAL_BUDGET_MS = 3_000;

/** Its shortest budget decides: a chat's 12 s are played four times as fast as the world. */
function speedFor({ defaults, patienceMs }: Policy): number {
  const shortestMs = defaults.latencyBudgetMs ?? Math.min(...Object.values(patienceMs));
  return Math.max(1, Math.min(USUAL_SPEED, Math.floor(shortestMs / SHORTEST_REAL_BUDGET_MS)));
}

type Report = {
  readonly fault: DrillFaultName;
  readonly order: Omit<DrillOrder, 'fault'>;
  readonly policy: Policy;
  readonly before: Figures;
  readonly during: Figures;
  /** The same requests without the fault. */
  readonly without: Figures;
  readonly notices: DrillRun['notices'];
  /** The first request from which on every first call went to another provider. */
  readonly avoidedFrom: number | undefined;
  readonly advice: string;
};

/** The same requests with and without the fault, side by side: they share nothing but this process. */
async function bothRuns(order: DrillOrder, io: Io): Promise<readonly [DrillRun, DrillRun]> {
  if (!io.signal.aborted) await warmUp(order.options);
  let answered = 0;
  const startedAt = systemClock(order.speed);
  const text = (): string =>
    `${durationText(startedAt.now())}  ${answered} of ${2 * order.requests} requests answered, half of them without the fault`;
  const line = startLiveLine(io, startedAt, text);
  const onAnswered = (): void => {
    answered += 1;
    line.draw();
  };
  try {
    const runs = await Promise.all([
      runDrill(order, io.signal, onAnswered),
      runDrill({ ...order, fault: undefined }, io.signal, onAnswered),
    ]);
    if (io.signal.aborted) throw new ImageRouterError('cancelled', 'the drill was interrupted; nothing was billed');
    return runs;
  } finally {
    line.close();
  }
}

function faultNamed(name: string): DrillFaultName {
  const fault = DRILL_FAULT_NAMES.find((known) => known === name);
  if (fault !== undefined) return fault;
  const near = nearest(name, DRILL_FAULT_NAMES);
  const all = DRILL_FAULT_NAMES.join(', ');
  const remedy = near === undefined ? `use one of ${all}` : `did you mean "${near}"? Known: ${all}`;
  throw refusal({ field: 'fault', rule: 'must be a known bad day', value: JSON.stringify(name), remedy });
}

function providerNamed(name: string, { endpoints }: ResolvedOptions): ProviderKind {
  const provider = PROVIDER_KINDS.find((known) => known === name);
  const used = [...new Set(endpoints.map((endpoint) => endpoint.provider))].join(', ');
  if (provider === undefined) {
    const names = PROVIDER_KINDS.join(', ');
    throw refusal({ field: 'provider', rule: `must be one of ${names}`, value: JSON.stringify(name), remedy: `use one of ${names}` });
  }
  if (endpoints.some((endpoint) => endpoint.provider === provider)) return provider;
  throw refusal({
    field: 'provider',
    rule: 'must have an endpoint',
    value: JSON.stringify(name),
    remedy: `your configuration uses ${used}`,
  });
}

function policyNamed(id: string | undefined, { policies, defaultPolicy }: ResolvedOptions): Policy {
  const policy = id === undefined ? defaultPolicy : policies.find((known) => known.id === id);
  if (policy === undefined) throw refusal(unknownName('policy', 'policy', id ?? '', policies));
  return policy;
}

function rateOf(text: string): number {
  const remedy = `give a number above 0 and at most ${MOST_RATE}, such as 0.5 for one every two seconds`;
  const reading = readNumber('rate', text, remedy);
  if (reading.kind === 'problem') throw refusal(reading.problem);
  if (reading.value > 0 && reading.value <= MOST_RATE) return reading.value;
  throw refusal({ field: 'rate', rule: `must be above 0 and at most ${MOST_RATE}`, value: text, remedy });
}

function refusal(problem: Problem): Error {
  return problemsError('invalid_request', 'request', [problem]);
}

const COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'before', align: 'right' },
  { title: 'during', align: 'right' },
  { title: 'same requests, no fault', align: 'right' },
];

function reportText(report: Report, io: Io): string {
  const { fault, order, policy, before, during, without, advice } = report;
  const paint = paintFor(io.stdout, io.env);
  const width = columnsOf(io.stdout);
  const groups = [before, during, without];
  const row = (title: string, text: (figures: Figures) => string): readonly string[] => [title, ...groups.map(text)];
  const names = (pick: (figures: Figures) => ReadonlyMap<string, number>): readonly string[] => [
    ...new Set(groups.flatMap((figures) => [...pick(figures).keys()])),
  ];
  const rows = [
    row('requests', ({ requests }) => String(requests)),
    row('delivered in time', ({ delivered, requests }) => share(delivered, requests)),
    row('  of them degraded', ({ degraded, delivered }) => share(degraded, delivered)),
    ...names(({ byRoute }) => byRoute).map((route) => row(`  by ${route}`, ({ byRoute }) => orDash(byRoute.get(route)))),
    row('failed', ({ failed, requests }) => share(failed, requests)),
    ...names(({ failedByCode }) => failedByCode).map((code) => row(`  ${code}`, ({ failedByCode }) => orDash(failedByCode.get(code)))),
    row('seconds, p50', ({ secondsP50 }) => secondsP50?.toFixed(1) ?? '-'),
    row('seconds, p95', ({ secondsP95 }) => secondsP95?.toFixed(1) ?? '-'),
    row('cost an image', ({ costPerImage }) => (costPerImage === undefined ? '-' : formatUsd(costPerImage))),
    row('wasted (possibly billed)', ({ wasted }) => formatUsd(wasted)),
  ];
  const from = faultFrom(order.requests);
  const intro = `from request ${from + 1} of ${order.requests} on, ${order.provider} ${DRILL_FAULTS[fault].says}`;
  const facts: readonly (readonly [string, string])[] = [
    ['policy', policy.id],
    ['endpoints', endpointsText(order)],
    ['arrivals', `${order.rate} a second, ${order.speed} times as fast as the world; nothing left this machine`],
  ];
  return [
    `${paint('bold', fault)}: ${intro}`,
    renderPairs(facts, width),
    '',
    renderTable(COLUMNS, rows, width),
    '',
    renderPairs(
      [
        ['noticed', noticedText(report)],
        ...(without.failed === 0 ? [] : [['beware', untroubledFailures(report)] as const]),
        ['advice', paint('bold', advice)],
      ],
      width,
      '',
    ),
  ].join('\n');
}

function endpointsText({ options, provider }: Report['order']): string {
  return options.endpoints.map(({ id, provider: its }) => (its === provider && isFirst(options, id) ? `${id} (breaks)` : id)).join(', ');
}

function noticedText({ notices, fault, order, avoidedFrom }: Report): string {
  const [first] = notices;
  if (first !== undefined) return `${durationText(first.afterMs)} after the fault began, ${first.target} was set aside: ${first.reason}`;
  if (fault === 'refusal') return 'never: a refusal is about a prompt and says nothing about the provider';
  if (fault === 'ratelimit') return 'with the first 429: while a provider asks for patience, no call is sent to it; no breaker opened';
  if (avoidedFrom === undefined) return 'never: no breaker opened while it lasted';
  const after = durationText(((avoidedFrom - faultFrom(order.requests)) * 1_000) / order.rate);
  return `${after} after the fault began: from request ${avoidedFrom + 1} on, first calls went elsewhere; no breaker had to open`;
}

/** One request that avoids a provider may do so by its own need; two in a row at the end are taken as a choice. */
const FEWEST_AVOIDING = 2;

function avoidedFrom(during: readonly Observation[], { options, provider }: Report['order']): number | undefined {
  const asked = new Set(options.routes.filter((route) => route.provider === provider).map(({ id }) => id));
  const last = during.findLastIndex(({ firstRoute }) => firstRoute !== undefined && asked.has(firstRoute));
  return during.length - 1 - last >= FEWEST_AVOIDING ? during[last + 1]?.index : undefined;
}

function untroubledFailures({ without, order }: Report): string {
  const lost = `${without.failed} of ${without.requests} failed without the fault too`;
  return `${lost}: no route can keep their limits, or this machine is too slow for --speed ${order.speed}`;
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${part} (${Math.round((100 * part) / whole)} %)`;
}

function orDash(count: number | undefined): string {
  return count === undefined ? '-' : String(count);
}

function reportJson({ fault, order, policy, before, during, without, notices, avoidedFrom, advice }: Report): unknown {
  return {
    fault,
    provider: order.provider,
    policy: policy.id,
    requests: order.requests,
    faultFrom: faultFrom(order.requests) + 1,
    rate: order.rate,
    speed: order.speed,
    before: figuresJson(before),
    during: figuresJson(during),
    withoutFault: figuresJson(without),
    noticed: notices.map(({ target, afterMs, reason }) => ({ target, afterMs: Math.round(afterMs), reason })),
    avoidedFrom: avoidedFrom === undefined ? null : avoidedFrom + 1,
    advice,
  };
}

function figuresJson({ failedByCode, byRoute, costPerImage, wasted, ...counts }: Figures): unknown {
  return {
    ...counts,
    failedByCode: Object.fromEntries(failedByCode),
    byRoute: Object.fromEntries(byRoute),
    costPerImageUsd: costPerImage === undefined ? null : dollars(costPerImage),
    wastedUsd: dollars(wasted),
  };
}
