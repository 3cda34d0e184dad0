// Reads a configuration file: YAML or JSON with the library's own options, and a `gateway` part for `serve`. Every problem is told with file, line and
// column. `apiKey: env:NAME` is looked up in the environment, so that a file can be committed without its keys.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { ImageRouterError, isImageRouterError, type Problem } from '../domain/error.ts';
import { parseOrExplain, problemsError } from '../domain/problem.ts';
import { DEFAULT_SETTINGS, type GatewaySettings, GatewaySettingsSchema } from '../gateway/config/settings.ts';
import { type ResolvedOptions, resolveOptions } from '../options.ts';
import type { Environment } from './io.ts';

/** A problem with its place in a file: `config.yaml:5:27`. */
export type LocatedProblem = Problem & { readonly at: string };

export type Config = { readonly options: ResolvedOptions; readonly gateway: GatewaySettings };

/** Throws ImageRouterError: `file_unreadable`, or `invalid_config` with located problems. */
export async function loadConfig(file: string, cwd: string, env: Environment): Promise<Config> {
  const text = await readText(resolve(cwd, file), 'config', 'configuration file');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  if (document.errors.length > 0) throw brokenSyntax(file, document);
  const place = (field: string): string => `${file}:${positionOf(document, lines, field)}`;
  const { value, problems } = withKeys(plainValue(document, file), env);
  const { own, gateway } = partsOf(value);
  const options = checked(() => resolveOptions(own));
  const settings = checked(() => gatewayIn(gateway));
  if (options.problems.length + settings.problems.length + problems.length === 0 && options.value && settings.value) {
    return { options: options.value, gateway: settings.value };
  }
  throw problemsError(
    'invalid_config',
    'configuration',
    [...problems, ...options.problems, ...settings.problems].map((problem): LocatedProblem => ({ ...problem, at: place(problem.field) })),
  );
}

function partsOf(value: unknown): { readonly own: unknown; readonly gateway: unknown } {
  if (typeof value !== 'object' || value === null || !('gateway' in value)) return { own: value, gateway: undefined };
  const { gateway, ...own } = value;
  return { own, gateway };
}

/** Problems are told under the part they are in: `gateway.limits.heldBytes`. */
function gatewayIn(value: unknown): GatewaySettings {
  if (value === undefined || value === null) return DEFAULT_SETTINGS;
  try {
    return parseOrExplain(GatewaySettingsSchema, value, 'invalid_config', 'configuration');
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    const problems = error.problems.map((problem) => ({ ...problem, field: `gateway.${problem.field}`.replace(/\.the whole$/, '') }));
    throw problemsError('invalid_config', 'configuration', problems);
  }
}

/** What was read, or what is wrong with it: all parts of a file are checked before anything is told. */
function checked<Value>(read: () => Value): { readonly value: Value | undefined; readonly problems: readonly Problem[] } {
  try {
    return { value: read(), problems: [] };
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    return { value: undefined, problems: error.problems };
  }
}

/** Reads a text file a user named. Throws `file_unreadable`; `field` is the option, `what` is said to people. */
export async function readText(path: string, field: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, field, what, error);
  }
}

export function unreadable(path: string, field: string, what: string, cause: unknown): ImageRouterError {
  const reason = systemReason(cause);
  const remedy = 'check the path and its permissions';
  const problem = { field, rule: `must name a readable ${what} (${reason})`, value: JSON.stringify(path), remedy };
  return new ImageRouterError('file_unreadable', `cannot read ${what} ${path}: ${reason}`, { problems: [problem], remedy, cause });
}

/** `no such file or folder` rather than ENOENT. */
export function systemReason(cause: unknown): string {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'unknown error';
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EISDIR: 'it is a folder',
    ENOTDIR: 'part of the path is not a folder',
    EEXIST: 'a file is in the way',
    EROFS: 'read-only file system',
    ENOSPC: 'the disk is full',
    EADDRINUSE: 'it is in use',
  };
  return words[code] ?? code;
}

function brokenSyntax(file: string, document: Document.Parsed): ImageRouterError {
  const problems = document.errors.map((error): LocatedProblem => {
    const [start] = error.linePos ?? [];
    const rule = `is not valid YAML: ${error.message.split(/ at line |\n/)[0]}`;
    const remedy = 'correct the syntax; JSON is accepted too';
    return { field: 'the file', rule, value: undefined, remedy, at: `${file}:${start?.line ?? 1}:${start?.col ?? 1}` };
  });
  return problemsError('invalid_config', 'configuration', problems);
}

function plainValue(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    const rule = `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    const problem: LocatedProblem = { field: 'the file', rule, value: undefined, remedy: 'use fewer aliases', at: `${file}:1:1` };
    throw problemsError('invalid_config', 'configuration', [problem]);
  }
}

/** `line:column` of a dotted field, or of the nearest thing around it that is in the file. */
function positionOf(document: Document.Parsed, lines: LineCounter, field: string): string {
  const path = field.split('.');
  for (let length = path.length; length > 0; length -= 1) {
    const offset = offsetAt(document, path.slice(0, length));
    if (offset !== undefined) {
      const { line, col } = lines.linePos(offset);
      return `${line}:${col}`;
    }
  }
  return '1:1';
}

/** Where the key of the last part stands when it is one (a wrong key is the point), else where its value does. */
function offsetAt(document: Document.Parsed, path: readonly string[]): number | undefined {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === last);
    if (pair && isScalar(pair.key)) return pair.key.range?.[0];
    return undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

type Keyed = { readonly value: unknown; readonly problems: readonly Problem[] };

/** Replaces `apiKey: env:NAME` by the variable's value. A missing variable is a problem, and a stand-in keeps the rest checkable. */
function withKeys(value: unknown, env: Environment): Keyed {
  if (typeof value !== 'object' || value === null || !('endpoints' in value) || !Array.isArray(value.endpoints)) {
    return { value, problems: [] };
  }
  const problems: Problem[] = [];
  const endpoints = value.endpoints.map((endpoint: unknown, index): unknown => {
    if (typeof endpoint !== 'object' || endpoint === null || !('apiKey' in endpoint)) return endpoint;
    const name = typeof endpoint.apiKey === 'string' ? /^env:(.*)$/.exec(endpoint.apiKey)?.[1] : undefined;
    if (name === undefined) return endpoint;
    const key = env[name];
    if (key) return { ...endpoint, apiKey: key };
    problems.push({
      field: `endpoints.${index}.apiKey`,
      rule: `names the environment variable ${name}, which is not set`,
      value: undefined,
      remedy: `set ${name}, or name another variable`,
    });
    return { ...endpoint, apiKey: 'missing' };
  });
  return { value: { ...value, endpoints }, problems };
}
