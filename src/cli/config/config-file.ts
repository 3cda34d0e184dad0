// Reads a configuration file: YAML or JSON with the library's own options, and a `gateway` part for `serve`, which other commands
// check and ignore. Every problem is told with file, line and column, all of them at once. Secrets may be named rather than
// written, so that a file can be committed.
import { resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { deepFreeze } from '../../domain/catalog.ts';
import { isImageRouterError, type Problem } from '../../domain/error.ts';
import { parseOrExplain, problemsError } from '../../domain/problem.ts';
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import { listModels } from '../../gateway/http/openai/model-name.ts';
import { type ResolvedOptions, type RouterOptions, resolveOptions, unknownName } from '../../options.ts';
import type { Environment } from '../io.ts';
import { readText } from '../text-file.ts';
import { ConfigFileSchema } from './config-schema.ts';
import { type Looked, withSecrets } from './secrets.ts';
import { placesIn, readValue, syntaxProblems } from './yaml-places.ts';

/** A problem with its place in a file: `config.yaml:5:27`. */
type LocatedProblem = Problem & { readonly at: string };

export type Config = { readonly options: ResolvedOptions; readonly gateway: GatewaySettings };

/** What a file has in the place of endpoints, where the command line sends its calls to a sandbox. */
export type StandIns = { readonly endpoints: readonly RouterOptions['endpoints'][number][]; readonly speed: number };

/** Throws ImageRouterError: `file_unreadable`, or `invalid_config` with located problems. */
export async function loadConfig(file: string, cwd: string, env: Environment, standIns?: StandIns): Promise<Config> {
  const text = await readText(resolve(cwd, file), 'config', 'configuration file');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const refuse = (problems: readonly Problem[], place: (problem: Problem, index: number) => string): Error => {
    const located = problems.map((problem, index): LocatedProblem => ({ ...problem, at: `${file}:${place(problem, index)}` }));
    return problemsError('invalid_config', 'configuration', located);
  };
  const syntax = syntaxProblems(document);
  if (syntax.length > 0) throw refuse(syntax, (_, index) => syntax[index]?.place ?? '1:1');
  const read = readValue(document);
  if (read.kind === 'problem') throw refuse([read.problem], () => '1:1');
  const { value, problems } = standIns === undefined ? withSecrets(read.value, env) : withStandIns(read.value, standIns);
  const checked = check(value);
  const all = [...problems, ...checked.problems];
  if (all.length === 0 && checked.config !== undefined) return checked.config;
  const places = placesIn(document, lines);
  throw refuse(all, ({ field }) => places(field));
}

/** A file that says where calls go means it: none of it is left out in silence. */
function withStandIns(value: unknown, { endpoints, speed }: StandIns): Looked {
  if (!isObject(value)) return { value, problems: [] };
  const remedy = 'leave --sandbox out, or use a file without endpoints';
  const beside = { field: 'endpoints', rule: 'must not be in a file that is used with --sandbox', value: undefined, remedy };
  return { value: { speed, ...value, endpoints }, problems: 'endpoints' in value ? [beside] : [] };
}

type Checked = { readonly config: Config | undefined; readonly problems: readonly Problem[] };

/** The shape of the whole, then whether the names in it mean something. A mistake in one part hides none in the other. */
function check(value: unknown): Checked {
  const whole = attempt(() => parseOrExplain(ConfigFileSchema, withoutEmptyGateway(value), 'invalid_config', 'configuration'));
  const options = attempt(() => resolveOptions(ownPart(value)));
  const isTold = ({ field, rule }: Problem): boolean => whole.problems.some((told) => told.field === field && told.rule === rule);
  const problems = [...whole.problems, ...options.problems.filter((problem) => !isTold(problem))];
  if (options.value === undefined || whole.value === undefined) return { config: undefined, problems };
  const { gateway } = whole.value;
  return { config: { options: options.value, gateway: deepFreeze(gateway) }, problems: aliasProblems(gateway, options.value) };
}

/** A `gateway:` with nothing under it is read as null, and means nothing. */
function withoutEmptyGateway(value: unknown): unknown {
  return isObject(value) && value.gateway === null ? { ...value, gateway: undefined } : value;
}

/** What the library itself understands. */
function ownPart(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { gateway: _, $schema: __, ...own } = value;
  return own;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function aliasProblems({ aliases }: GatewaySettings, options: ResolvedOptions): readonly Problem[] {
  const known = listModels({}, options);
  return Object.entries(aliases)
    .filter(([, meant]) => !known.some(({ id }) => id === meant))
    .map(([name, meant]) => unknownName(`gateway.aliases.${name}`, 'model', meant, known));
}

/** What was made, or what is wrong with it. */
function attempt<Value>(make: () => Value): { readonly value: Value | undefined; readonly problems: readonly Problem[] } {
  try {
    return { value: make(), problems: [] };
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    return { value: undefined, problems: error.problems };
  }
}
