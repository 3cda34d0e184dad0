// Where a command's calls go, decided from options and environment before anything is started: a configuration file, a
// sandbox that runs, the real providers when their keys are set, else a sandbox of our own. A file without endpoints
// stands before that sandbox, too, but only where the command line says so: one meant for providers never falls back to it.
// Only the command line reads the environment; the library never does.
import type { Problem } from '../domain/error.ts';
import { problemsError } from '../domain/problem.ts';
import type { LatencyProfile } from '../domain/vocabulary.ts';
import { LATENCY_PROFILES } from '../domain/vocabulary.ts';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../gateway/config/settings.ts';
import { type ResolvedOptions, type RouterOptions, resolveOptions } from '../options.ts';
import { SANDBOX_KEY } from '../sandbox/index.ts';
import { loadConfig, type StandIns } from './config/config-file.ts';
import type { Environment, Io } from './io.ts';
import { readNumber } from './quantities.ts';

export type SourceFlags = {
  readonly config?: string;
  readonly sandbox?: boolean;
  readonly sandboxUrl?: string;
  readonly speed?: string;
  readonly profile?: string;
};

/** `sandbox` holds placeholders for endpoints: an in-process sandbox has its address only once it runs. */
export type Source = {
  readonly kind: 'config' | 'keys' | 'running-sandbox' | 'sandbox';
  /** For people: `OPENAI_API_KEY`, `config.yaml`... */
  readonly name: string;
  /** The configuration file; undefined: there is none. */
  readonly file: string | undefined;
  readonly options: ResolvedOptions;
  /** The gateway's part of a configuration file; its defaults without one. */
  readonly gateway: GatewaySettings;
};

type EndpointInput = RouterOptions['endpoints'][number];

const SANDBOX_NAME = 'built-in sandbox';
const OPENAI_URL = 'https://api.openai.com/v1';
const GOOGLE_URL = 'https://generativelanguage.googleapis.com';
/** Nothing listens at the discard port: endpoints that are planned with and never called. */
const NOWHERE = 'http://127.0.0.1:9';
/** A 25-second picture in 2.5 s: quick, and slow enough that this machine's own work does not distort it. */
const SANDBOX_SPEED = 10;
/** What a file has that is used with --sandbox; a speed of its own wins. */
export const SANDBOX_STAND_INS: StandIns = { endpoints: sandboxEndpoints(NOWHERE), speed: SANDBOX_SPEED };

/** Throws ImageRouterError `invalid_request`, `invalid_config` or `file_unreadable`. Starts nothing. */
export async function findSource(flags: SourceFlags, io: Pick<Io, 'env' | 'cwd'>): Promise<Source> {
  const speed = speedOf(flags);
  const latencyProfile = profileOf(flags);
  refuseTwoSources(flags);
  const { config: file } = flags;
  if (file !== undefined) {
    const standIns = flags.sandbox === true ? SANDBOX_STAND_INS : undefined;
    const { options: fromFile, gateway } = await loadConfig(file, io.cwd, io.env, standIns);
    const options = { ...fromFile, speed: speed ?? fromFile.speed, latencyProfile: latencyProfile ?? fromFile.latencyProfile };
    if (standIns !== undefined) return { kind: 'sandbox', name: SANDBOX_NAME, file, options, gateway };
    return { kind: 'config', name: file, file, options: atRealSpeed(options), gateway };
  }
  const optionsFor = (endpoints: readonly EndpointInput[], usualSpeed: number): ResolvedOptions =>
    resolveOptions({ endpoints, speed: speed ?? usualSpeed, ...(latencyProfile === undefined ? {} : { latencyProfile }) });
  if (flags.sandboxUrl !== undefined) {
    const url = baseUrl('sandboxUrl', flags.sandboxUrl);
    const options = optionsFor(sandboxEndpoints(url), speed ?? (await speedOfSandbox(url)));
    return { kind: 'running-sandbox', name: url, file, options, gateway: DEFAULT_SETTINGS };
  }
  const { endpoints, names } = flags.sandbox === true ? { endpoints: [], names: [] } : endpointsInEnvironment(io.env);
  if (endpoints.length > 0)
    return { kind: 'keys', name: names.join(', '), file, options: atRealSpeed(optionsFor(endpoints, 1)), gateway: DEFAULT_SETTINGS };
  return {
    kind: 'sandbox',
    name: SANDBOX_NAME,
    file,
    options: optionsFor(SANDBOX_STAND_INS.endpoints, SANDBOX_SPEED),
    gateway: DEFAULT_SETTINGS,
  };
}

function speedOf(flags: SourceFlags): number | undefined {
  return flags.speed === undefined ? undefined : readSpeed(flags.speed);
}

const SPEED_REMEDY = 'use a number above 0, such as 1 for real time or 20 for twenty times faster';

export function readSpeed(text: string): number {
  const reading = readNumber('speed', text, SPEED_REMEDY);
  if (reading.kind === 'problem') throw problemsError('invalid_request', 'request', [reading.problem]);
  if (reading.value > 0 && reading.value <= 100_000) return reading.value;
  throw refusal({ field: 'speed', rule: 'must be above 0 and at most 100000', value: text, remedy: SPEED_REMEDY });
}

function profileOf(flags: SourceFlags): LatencyProfile | undefined {
  if (flags.profile === undefined) return undefined;
  const known = LATENCY_PROFILES.find((profile) => profile === flags.profile);
  if (known !== undefined) return known;
  const names = LATENCY_PROFILES.join(', ');
  throw refusal({ field: 'profile', rule: `must be one of ${names}`, value: JSON.stringify(flags.profile), remedy: `use one of ${names}` });
}

function refuseTwoSources(flags: SourceFlags): void {
  const given = [
    ...(flags.config === undefined ? [] : ['config']),
    ...(flags.sandboxUrl === undefined ? [] : ['sandboxUrl']),
    // A file without endpoints may stand beside it.
    ...(flags.sandbox === true && flags.config === undefined ? ['sandbox'] : []),
  ];
  const [first, second] = given;
  if (first === undefined || second === undefined) return;
  throw refusal({
    field: second,
    rule: `must not be given together with ${first}`,
    value: undefined,
    remedy: 'name one place to send calls',
  });
}

/** Scaled time is for sandboxes: a real provider would be given a twentieth of its time. Throws `invalid_request`. */
export function atRealSpeed(options: ResolvedOptions): ResolvedOptions {
  const real = options.endpoints.find((endpoint) => !isLoopback(endpoint.baseUrl));
  if (options.speed === 1 || real === undefined) return options;
  const rule = `must be 1 against real endpoints (${new URL(real.baseUrl).host})`;
  throw refusal({ field: 'speed', rule, value: String(options.speed), remedy: 'leave --speed out, or add --sandbox' });
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

function refusal(problem: Problem): Error {
  return problemsError('invalid_request', 'request', [problem]);
}

/** The two faces of a sandbox at `url`. */
export function sandboxEndpoints(url: string): readonly EndpointInput[] {
  return [
    { id: 'openai', provider: 'openai', baseUrl: `${url}/openai/v1`, apiKey: SANDBOX_KEY },
    { id: 'google', provider: 'google', baseUrl: `${url}/google`, apiKey: SANDBOX_KEY },
  ];
}

type Found = { readonly endpoints: readonly EndpointInput[]; readonly names: readonly string[] };

function endpointsInEnvironment(env: Environment): Found {
  const found: readonly (Found | undefined)[] = [openaiIn(env), googleIn(env), aggregatorIn(env)];
  return { endpoints: found.flatMap((part) => part?.endpoints ?? []), names: found.flatMap((part) => part?.names ?? []) };
}

function openaiIn(env: Environment): Found | undefined {
  if (!env.OPENAI_API_KEY) return undefined;
  const url = baseUrl('OPENAI_BASE_URL', env.OPENAI_BASE_URL || OPENAI_URL);
  return { endpoints: [{ id: 'openai', provider: 'openai', baseUrl: url, apiKey: env.OPENAI_API_KEY }], names: ['OPENAI_API_KEY'] };
}

function googleIn(env: Environment): Found | undefined {
  const name = env.GEMINI_API_KEY ? 'GEMINI_API_KEY' : 'GOOGLE_API_KEY';
  const key = env[name];
  if (!key) return undefined;
  const url = baseUrl('GOOGLE_GEMINI_BASE_URL', env.GOOGLE_GEMINI_BASE_URL || GOOGLE_URL);
  return { endpoints: [{ id: 'google', provider: 'google', baseUrl: url, apiKey: key }], names: [name] };
}

/** One key for both providers; the two faces are told apart by path. */
function aggregatorIn(env: Environment): Found | undefined {
  const { IMAGE_ROUTER_AGGREGATOR_KEY: key, IMAGE_ROUTER_AGGREGATOR_URL: url } = env;
  if (!key && !url) return undefined;
  if (!key || !url) {
    const field = key ? 'IMAGE_ROUTER_AGGREGATOR_URL' : 'IMAGE_ROUTER_AGGREGATOR_KEY';
    const other = key ? 'IMAGE_ROUTER_AGGREGATOR_KEY' : 'IMAGE_ROUTER_AGGREGATOR_URL';
    const problem = { field, rule: `is required beside ${other}`, value: undefined, remedy: `set ${field}, or unset ${other}` };
    throw problemsError('invalid_config', 'environment', [problem]);
  }
  const root = baseUrl('IMAGE_ROUTER_AGGREGATOR_URL', url).replace(/\/v1$/, '');
  return {
    endpoints: [
      { id: 'aggregator-openai', provider: 'openai', baseUrl: `${root}/v1`, apiKey: key },
      { id: 'aggregator-google', provider: 'google', baseUrl: root, apiKey: key, apiVersion: 'v1beta' },
    ],
    names: ['IMAGE_ROUTER_AGGREGATOR_KEY'],
  };
}

function baseUrl(field: string, text: string): string {
  const url = text.trim().replace(/\/+$/, '');
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  const remedy =
    field === 'sandboxUrl' ? 'give the URL that image-router sandbox printed' : `set ${field} to a full URL, such as ${OPENAI_URL}`;
  const code = field === 'sandboxUrl' ? 'invalid_request' : 'invalid_config';
  throw problemsError(code, field === 'sandboxUrl' ? 'request' : 'environment', [
    { field, rule: 'must be an http or https URL', value: JSON.stringify(text), remedy },
  ]);
}

/** A running sandbox says how fast its clock runs; ours must run as fast. */
async function speedOfSandbox(url: string): Promise<number> {
  const state: unknown = await fetch(`${url}/__sim/state`).then(
    (response) => response.json(),
    () => undefined,
  );
  if (typeof state === 'object' && state !== null && 'speed' in state && typeof state.speed === 'number') return state.speed;
  throw refusal({
    field: 'sandboxUrl',
    rule: 'must be the address of a running sandbox',
    value: JSON.stringify(url),
    remedy: 'start one with: image-router sandbox',
  });
}
