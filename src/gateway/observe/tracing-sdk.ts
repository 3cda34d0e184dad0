// OpenTelemetry's tracing SDK and its OTLP exporter: optional peers, loaded only by those who configured a collector. Sends
// JSON over HTTP in batches, from a bounded queue that drops rather than grows while the collector is away.
import type { Tracer } from '@opentelemetry/api';
import type { TracerProviderOptions } from '@opentelemetry/sdk-trace';
import { ImageRouterError } from '../../domain/error.ts';

export type Tracing = { readonly tracer: Tracer; close(): Promise<void> };

/** A collector that takes longer is away; a gateway that shuts down waits this long for it. Real milliseconds. */
const EXPORT_TIMEOUT_MS = 5_000;

/** Imports the packages; a test hands in another. */
export type SdkLoader = () => Promise<Sdk>;
type Sdk = Pick<typeof import('@opentelemetry/sdk-trace'), 'TracerProvider' | 'BatchSpanProcessor'> &
  Pick<typeof import('@opentelemetry/exporter-trace-otlp-http'), 'OTLPTraceExporter'>;

export const loadSdk: SdkLoader = async () => {
  const [sdk, exporter] = await Promise.all([import('@opentelemetry/sdk-trace'), import('@opentelemetry/exporter-trace-otlp-http')]);
  return { ...sdk, ...exporter };
};

/** Rejects with `invalid_config` when the packages are not installed, or `endpoint` is no URL. */
export async function startTracing(endpoint: string, load: SdkLoader): Promise<Tracing> {
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new ImageRouterError('invalid_config', 'otlpEndpoint must be an http or https URL', { remedy: 'such as http://127.0.0.1:4318' });
  }
  const { TracerProvider, BatchSpanProcessor, OTLPTraceExporter } = await load().catch((cause: unknown) => {
    const remedy = 'npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http, or leave otlpEndpoint out';
    throw new ImageRouterError('invalid_config', 'otlpEndpoint needs packages that are not installed', { remedy, cause });
  });
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new TracerProvider({ resource: RESOURCE, spanProcessors: [new BatchSpanProcessor({ exporter })] });
  return { tracer: provider.getTracer('image-router'), close: () => provider.shutdown() };
}

/** Written out, because the package that makes resources belongs to the SDK and is none of ours. */
const RESOURCE: NonNullable<TracerProviderOptions['resource']> = {
  attributes: { 'service.name': 'image-router' },
  merge: (other) => other ?? RESOURCE,
  getRawAttributes: () => [['service.name', 'image-router']],
};
