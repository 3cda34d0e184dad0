// Shows once, in real time, that an answer after 320 s arrives. Node's fetch gives up on a silent server after 300 s,
// whatever timeout its caller set (openai-node#2153), while gpt-image-2 high takes longer on a slow day. Takes five and a
// half minutes, nearly all of it waiting; plain fetch waits beside the adapters and is expected to fail.
import { builtInRoutes } from '../routes/index.ts';
import { EndpointSchema } from '../src/domain/endpoint.ts';
import { NO_ATTACHMENTS } from '../src/domain/image.ts';
import { chooseSize } from '../src/domain/size.ts';
import { createGoogleProvider } from '../src/providers/google.ts';
import { createOpenAIProvider } from '../src/providers/openai.ts';
import type { Provider, ProviderCall } from '../src/providers/provider.ts';
import { systemClock } from '../src/system/clock.ts';
import { type CannedServer, startCannedServer } from './support/canned-server.ts';
import { printLine, printTable } from './support/print.ts';

const SILENCE_SECONDS = Number(process.argv[2] ?? 320);
/** Longer than the silence by far: no deadline takes part in this. */
const GIVE_UP_MS = 600_000;

type Wait = { readonly name: string; readonly isExpected: boolean; run(): Promise<string> };

const clock = systemClock();
const server = await startCannedServer(SILENCE_SECONDS * 1_000);
const openai = createOpenAIProvider({ endpoints: [endpointAt(server, 'openai', '/tiny/v1')], clock });
const google = createGoogleProvider({ endpoints: [endpointAt(server, 'google', '/tiny')], clock });

const waits: readonly Wait[] = [
  { name: 'openai adapter', isExpected: true, run: () => through(openai, 'gpt-image-2-high', undefined) },
  { name: 'openai adapter, streamed', isExpected: true, run: () => through(openai, 'gpt-image-2-high', () => undefined) },
  { name: 'google adapter', isExpected: true, run: () => through(google, 'nano-banana-pro', undefined) },
  { name: 'plain fetch', isExpected: SILENCE_SECONDS < 300, run: () => plainFetch(server) },
];
printLine(`waiting ${SILENCE_SECONDS} s of real time for ${waits.length} answers`);
const rows = await Promise.all(waits.map(time));
printTable(
  ['call', 'ended after', 'as', 'as expected'],
  rows.map((row) => row.cells),
);
await Promise.all([openai.close(), google.close(), server.close()]);
process.exitCode = rows.every((row) => row.isAsExpected) ? 0 : 1;

async function time({ name, isExpected, run }: Wait): Promise<{ readonly cells: readonly string[]; readonly isAsExpected: boolean }> {
  const startedAt = clock.now();
  const ending = await run().then(
    (text) => ({ text, arrived: true }),
    (error: unknown) => ({ text: describe(error), arrived: false }),
  );
  const isAsExpected = ending.arrived === isExpected;
  const seconds = ((clock.now() - startedAt) / 1_000).toFixed(1);
  return { cells: [name, `${seconds} s`, ending.text, isAsExpected ? 'yes' : 'NO'], isAsExpected };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

async function through(provider: Provider, routeId: string, onPartial: ProviderCall['onPartial']): Promise<string> {
  const reply = await provider.generate(callOf(routeId, onPartial), AbortSignal.timeout(GIVE_UP_MS));
  if (reply.kind === 'failed') throw new Error(`${reply.failure.fault}: ${reply.failure.message}`);
  const [image] = reply.images;
  return `${image?.format} ${image?.width}x${image?.height}`;
}

function callOf(routeId: string, onPartial: ProviderCall['onPartial']): ProviderCall {
  const route = builtInRoutes.find(({ id }) => id === routeId);
  if (route === undefined) throw new Error(`no route ${routeId}`);
  const square = { width: 1024, height: 1024 };
  const size = chooseSize(route.capabilities.sizes, square);
  if (size.kind === 'unsupported') throw new Error(size.rule);
  return {
    endpoint: endpointAt(server, route.provider, '').id,
    route,
    prompt: 'a lighthouse in fog',
    size,
    deliver: square,
    n: 1,
    attachments: NO_ATTACHMENTS,
    onPartial,
    format: 'png',
    compression: undefined,
    background: 'auto',
    keepEncoded: false,
    endUser: undefined,
  };
}

async function plainFetch({ url }: CannedServer): Promise<string> {
  const response = await fetch(`${url}/tiny/v1/images/generations`, { method: 'POST', body: '{}' });
  await response.arrayBuffer();
  return `status ${response.status}`;
}

function endpointAt({ url }: CannedServer, provider: 'openai' | 'google', path: string) {
  return EndpointSchema.parse({ id: provider, provider, baseUrl: `${url}${path}`, apiKey: 'k', apiVersion: 'v1beta' });
}
