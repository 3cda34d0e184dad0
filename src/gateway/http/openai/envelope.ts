// The reply of an image request: OpenAI's fields, then `image_router`. Written as pieces around the base64 as it came from
// the provider: the small fields are JSON, the pictures are slices that nobody parses, copies or turns into text.
import { dollars } from '../../../domain/money.ts';
import type { Usage } from '../../../domain/price.ts';
import type { ImageResult, ResultImage } from '../../../domain/result.ts';
import { formatSize } from '../../../domain/size.ts';
import type { TraceEvent } from '../../../domain/trace.ts';
import type { Quality, RouteId, Tier } from '../../../domain/vocabulary.ts';
import type { ResolvedOptions } from '../../../options.ts';
import { type Answer, JSON_TYPE, utf8 } from '../answer.ts';
import type { ImageFacts } from '../http-event.ts';
import type { Note } from './order.ts';

export type EnvelopeContext = {
  readonly options: Pick<ResolvedOptions, 'routes'>;
  /** Seconds since 1970. */
  readonly created: number;
  readonly notes: readonly Note[];
};

const DATA_START = utf8('{"b64_json":"');
const DATA_BETWEEN = utf8('"},{"b64_json":"');

/** The whole reply, ready to send. */
export function imagesAnswer(result: ImageResult, context: EnvelopeContext): Answer {
  const [first] = result.images;
  const echo = first === undefined ? {} : echoFields(result, first, context.options);
  const tail = {
    ...(result.usage === undefined ? {} : { usage: usageObject(result.usage) }),
    image_router: aboutResult(result, context.notes),
  };
  return {
    status: 200,
    headers: { ...JSON_TYPE, ...resultHeaders(result) },
    body: imagesBody({ created: context.created, ...echo }, result.images.map(payloadOf), tail),
    facts: factsOf(result),
    spentMicroUsd: result.cost.billed + result.cost.possiblyBilled,
  };
}

/** `data` between what stands before it and what stands after it; each payload is base64, as ASCII. */
export function imagesBody(before: object, payloads: readonly Uint8Array[], after: object): readonly Uint8Array[] {
  const pictures = payloads.flatMap((payload, index) => [index === 0 ? DATA_START : DATA_BETWEEN, payload]);
  return [utf8(`${JSON.stringify(before).slice(0, -1)},"data":[`), ...pictures, utf8(`"}],${JSON.stringify(after).slice(1)}`)];
}

/** As the provider wrote it, where it needed no change: then `bytes` is not touched, for reading it decodes megabytes. */
export function payloadOf(image: ResultImage): Uint8Array {
  return image.encoded ?? base64Of(image.bytes);
}

export function base64Of(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'), 'latin1');
}

/** Resolved values, as OpenAI echoes them: never auto. */
export function echoFields(result: ImageResult, image: ResultImage, options: Pick<ResolvedOptions, 'routes'>) {
  return {
    background: result.need.background === 'transparent' ? 'transparent' : 'opaque',
    output_format: image.format,
    quality: qualityOf(image.route, options),
    size: formatSize(image),
  } as const;
}

const TIER_QUALITY: Readonly<Record<Tier, Quality>> = { preview: 'low', standard: 'medium', premium: 'high' };

/** A route without OpenAI's setting is named by the tier it stands in for. */
export function qualityOf(id: RouteId, { routes }: Pick<ResolvedOptions, 'routes'>): Quality {
  const route = routes.find((known) => known.id === id);
  return route?.settings.quality ?? TIER_QUALITY[route?.tier ?? 'standard'];
}

export function usageObject(usage: Usage) {
  const { textInTokens, imageInTokens, imageOutTokens, textOutTokens } = usage;
  const inTokens = textInTokens + imageInTokens;
  const outTokens = imageOutTokens + textOutTokens;
  return {
    input_tokens: inTokens,
    input_tokens_details: { text_tokens: textInTokens, image_tokens: imageInTokens },
    output_tokens: outTokens,
    output_tokens_details: { image_tokens: imageOutTokens, text_tokens: textOutTokens },
    total_tokens: inTokens + outTokens,
  };
}

export function aboutResult(result: ImageResult, notes: readonly Note[]) {
  return {
    id: result.id,
    route: result.route,
    target: result.target,
    tier: result.tier,
    degraded: result.degraded ?? null,
    cost_usd: { billed: dollars(result.cost.billed), possibly_billed: dollars(result.cost.possiblyBilled) },
    elapsed_ms: Math.round(result.elapsedMs),
    deadline_left_ms: deadlineLeftMs(result),
    warnings: [...notes, ...result.warnings].map(({ code, detail }) => ({ code, detail })),
    images: result.images.map(({ route, width, height, mediaType }) => ({ route, width, height, media_type: mediaType })),
  };
}

function deadlineLeftMs({ need, elapsedMs }: ImageResult): number {
  return Math.round(need.budgetMs - elapsedMs);
}

const LONGEST_HEADER = 500;

function resultHeaders(result: ImageResult): Record<string, string> {
  return {
    'x-image-router-route': result.route,
    'x-image-router-tier': result.tier,
    ...(result.degraded === undefined ? {} : { 'x-image-router-degraded': shortHeader(result.degraded) }),
    'x-image-router-cost-usd': String(dollars(result.cost.billed)),
    'x-image-router-trace-id': result.id,
    'x-image-router-deadline-left-ms': String(deadlineLeftMs(result)),
  };
}

/** Header values are printable ASCII. */
export function shortHeader(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_HEADER);
}

export function factsOf(result: ImageResult): ImageFacts {
  return {
    traceId: result.id,
    route: result.route,
    tier: result.tier,
    degraded: result.degraded !== undefined,
    policy: result.need.policy.id,
    costMicroUsd: result.cost.billed + result.cost.possiblyBilled,
    deadlineMet: result.elapsedMs <= result.need.budgetMs,
    ...factsInTrace(result.trace.events),
  };
}

/** What a trace says, also of a request that failed. A preview's plan promises nothing for the final. */
export function factsInTrace(events: readonly TraceEvent[]): Pick<ImageFacts, 'attempts' | 'predictedChance'> {
  const first = events.find((event) => event.kind === 'plan' && event.part !== 'preview');
  const plan = first?.kind === 'plan' ? first.plan : undefined;
  const attempts = events.filter((event) => event.kind === 'attempt-start').length;
  return plan?.kind === 'plan' ? { attempts, predictedChance: plan.chance } : { attempts };
}
