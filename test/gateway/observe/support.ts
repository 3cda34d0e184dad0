// An observed router: everything real but the wire, with the log in memory and, where asked for, a collector of spans on
// loopback. And readers of what observers write: samples of an exposition, spans of an OTLP body.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { z } from 'zod';
import type { HttpEvent } from '../../../src/gateway/http/http-event.ts';
import type { LogLevel } from '../../../src/gateway/observe/log-level.ts';
import { createObserver, type Observer, type ObserverOptions } from '../../../src/gateway/observe/observer.ts';
import { World } from '../../support/router-world.ts';

export type Observed = {
  readonly observer: Observer;
  readonly lines: () => readonly Record<string, unknown>[];
  readonly text: () => string;
};

export async function observe(options: Partial<ObserverOptions> & Pick<ObserverOptions, 'clock'>): Promise<Observed> {
  const written: string[] = [];
  const observer = await createObserver({
    logLevel: 'debug' satisfies LogLevel,
    logDestination: { write: (line) => void written.push(line) },
    otlpEndpoint: undefined,
    modelOf: () => ({ model: 'gpt-image-2', provider: 'openai' }),
    health: () => [],
    load: () => ({ running: 3, heldBytes: 1_234 }),
    ...options,
  });
  return { observer, lines: () => written.map((line): Record<string, unknown> => JSON.parse(line)), text: () => written.join('') };
}

/** A world moved by hand, with an observer that hears what its router tells. */
export async function observedWorld(...options: ConstructorParameters<typeof World>): Promise<Observed & { readonly world: World }> {
  const world = new World(...options);
  const observed = await observe({ clock: world.clock, health: () => world.router.health() });
  const record = world.told.push.bind(world.told);
  world.told.push = (...events) => {
    for (const event of events) observed.observer.listener(event);
    return record(...events);
  };
  return { ...observed, world };
}

export type RequestEnd = Extract<HttpEvent, { kind: 'request-end' }>;

export function endOf(changes: Partial<RequestEnd> = {}): RequestEnd {
  return {
    kind: 'request-end',
    id: 'req_http',
    method: 'POST',
    endpoint: '/v1/images/generations',
    status: 200,
    ms: 12,
    principal: 'loopback',
    bytes: 2_048,
    ...changes,
  };
}

export type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number };

/** Every sample of an exposition; throws for a line that is none. */
export function samplesOf(text: string): readonly Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`no sample: ${line}`);
      const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]);
      return { name, labels: Object.fromEntries(pairs), value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) };
    });
}

/** The sum of the samples whose labels include these; undefined where there is none. */
export function sumOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const found = samplesOf(text).filter(
    (sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0);
}

const AttributeSchema = z.object({
  key: z.string(),
  value: z.union([
    z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
    z.object({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
    z.object({ intValue: z.coerce.number() }).transform(({ intValue }) => intValue),
    z.object({ doubleValue: z.number() }).transform(({ doubleValue }) => doubleValue),
  ]),
});
const AttributesSchema = z
  .array(AttributeSchema)
  .transform((attributes) => Object.fromEntries(attributes.map(({ key, value }) => [key, value])));
const MillisecondsSchema = z.string().transform((nanoseconds) => Number(BigInt(nanoseconds) / 1_000n) / 1_000);
const SpanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.int(),
  startTimeUnixNano: MillisecondsSchema,
  endTimeUnixNano: MillisecondsSchema,
  attributes: AttributesSchema,
  status: z.object({ code: z.int() }).partial(),
});
const TracesSchema = z.object({
  resourceSpans: z.array(
    z.object({ resource: z.object({ attributes: AttributesSchema }), scopeSpans: z.array(z.object({ spans: z.array(SpanSchema) })) }),
  ),
});

export type SpanSeen = z.infer<typeof SpanSchema>;
export type Collector = {
  readonly url: string;
  readonly paths: readonly string[];
  /** Bodies as they came. */
  readonly bodies: readonly string[];
  spans(): readonly SpanSeen[];
  resources(): readonly Record<string, unknown>[];
  close(): Promise<void>;
};

/** Kinds of spans, and the status of a failed one, in OTLP. */
export const SERVER = 2;
export const CLIENT = 3;
export const ERROR = 2;

/** An OTLP/HTTP collector on loopback. */
export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      paths.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
      bodies.push(Buffer.concat(parts).toString());
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const heard = () => bodies.flatMap((body) => TracesSchema.parse(JSON.parse(body)).resourceSpans);
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    paths,
    bodies,
    spans: () => heard().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    resources: () => heard().map(({ resource }) => resource.attributes),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
