// image-router routes: the catalogue of what can make an image, with latency, price and accuracy. With --json also where
// each number comes from and when it was true.
import type { Command } from 'commander';
import { priorDistribution, shapeFactor } from '../../domain/latency.ts';
import { dollars, formatUsd, type MicroUsd } from '../../domain/money.ts';
import { type PriceSpec, priceOf } from '../../domain/price.ts';
import type { Route } from '../../domain/route.ts';
import { chooseSize, parseSize, type Size } from '../../domain/size.ts';
import type { LatencyProfile } from '../../domain/vocabulary.ts';
import { durationText } from '../duration-text.ts';
import { findSource, type SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, printJson } from '../io.ts';
import { type Column, renderTable } from '../table.ts';

type Flags = Pick<SourceFlags, 'config' | 'profile'> & { readonly json?: boolean };

const SQUARE = '1024x1024';
const WIDE = '1536x1024';
/** What the price columns leave out, because it is the request's own. */
const ON_TOP = 'tokens of the prompt, of reference images and of thinking';

const COLUMNS: readonly Column[] = [
  { title: 'route' },
  { title: 'tier' },
  { title: 'provider' },
  { title: 'model' },
  { title: 'p50', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: SQUARE, align: 'right' },
  { title: WIDE, align: 'right' },
  { title: 'picture', align: 'right' },
  { title: 'lettering', align: 'right' },
];

export function addRoutes(program: Command, io: Io): void {
  program
    .command('routes')
    .description('every route with its latency at 1024x1024, price and accuracy')
    .option('--config <file>', 'include the routes of a configuration file')
    .option('--profile <name>', 'latency to show: brief or field')
    .option('--json', 'a JSON list on stdout, with sources and dates')
    .action((flags: Flags) => showRoutes(flags, io));
}

async function showRoutes(flags: Flags, io: Io): Promise<void> {
  const { options } = await findSource({ ...flags, sandbox: flags.config === undefined }, io);
  if (flags.json === true) {
    printJson(
      io.stdout,
      options.routes.map((route) => routeJson(route, options.latencyProfile)),
    );
    return;
  }
  const rows = options.routes.map((route) => routeRow(route, options.latencyProfile));
  print(io.stdout, renderTable(COLUMNS, rows, columnsOf(io.stdout)));
  print(io.stdout, `\nPrices are of one picture by itself; ${ON_TOP} come on top, where a provider charges for them.`);
}

function routeRow(route: Route, profile: LatencyProfile): readonly string[] {
  const { p50, p95 } = latencyOf(route, profile);
  const money = (size: string): string => {
    const price = priceAt(route, size);
    return price === undefined ? '-' : formatUsd(price);
  };
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const { visual, text } = route.accuracy;
  const numbers = [durationText(p50), durationText(p95), money(SQUARE), money(WIDE), percent(visual), percent(text)];
  return [route.id, route.tier, route.provider, route.model, ...numbers];
}

function latencyOf(route: Route, profile: LatencyProfile): { readonly p50: number; readonly p95: number } {
  const size = parseSize(SQUARE) ?? { width: 1, height: 1 };
  const shape = { size, resolution: resolutionOf(route, size), n: 1, references: 0, complexity: 'normal' } as const;
  const latency = priorDistribution(route.latency[profile], shapeFactor(route.latency, shape));
  return { p50: latency.quantile(0.5), p95: latency.quantile(0.95) };
}

/** One picture by itself; undefined for a size that the route does not make. */
function priceAt(route: Route, text: string): MicroUsd | undefined {
  const size = parseSize(text);
  if (size === undefined || chooseSize(route.capabilities.sizes, size).kind === 'unsupported') return undefined;
  const shape = { size, resolution: resolutionOf(route, size), n: 1, references: 0, partials: 0, promptBytes: 0 };
  return priceOf(withoutThoughts(route.price), shape).expected;
}

function withoutThoughts(spec: PriceSpec): PriceSpec {
  return spec.kind === 'resolution-tokens' ? { ...spec, thoughtTokens: { expected: 0, ceiling: 0 } } : spec;
}

function resolutionOf(route: Route, size: Size): string | undefined {
  const choice = chooseSize(route.capabilities.sizes, size);
  return choice.kind === 'ratio' ? choice.resolution : undefined;
}

function routeJson(route: Route, profile: LatencyProfile): unknown {
  const { p50, p95 } = latencyOf(route, profile);
  const price = (size: string): number | null => {
    const found = priceAt(route, size);
    return found === undefined ? null : dollars(found);
  };
  const { id, title, provider, model, tier, settings, capabilities, accuracy, concurrency } = route;
  return {
    id,
    title,
    provider,
    model,
    tier,
    settings,
    capabilities,
    concurrency,
    accuracy,
    latency: { profile, size: SQUARE, p50Ms: Math.round(p50), p95Ms: Math.round(p95), source: route.latency.source },
    price: {
      usdPerImage: { [SQUARE]: price(SQUARE), [WIDE]: price(WIDE) },
      onTop: ON_TOP,
      source: route.price.source,
      asOf: route.price.asOf,
    },
  };
}
