// The request's fields as command-line options. They are named as the fields are; what commander hands over as text is
// read here, and the request's own schema has the last word before anything else happens.
import type { Command } from 'commander';
import type { Problem } from '../domain/error.ts';
import { parseOrExplain, problemsError } from '../domain/problem.ts';
import { ImageRequestSchema, type ParsedRequest } from '../domain/request.ts';
import type { AttachedFiles } from './attached-files.ts';
import { type Reading, readDollars, readDurationMs, readNumber } from './quantities.ts';

export type RequestFlags = {
  readonly budget?: string;
  readonly text?: string;
  readonly maxCost?: string;
  readonly policy?: string;
  readonly tier?: string;
  readonly quality?: string;
  readonly route?: string;
  readonly size?: string;
  readonly aspectRatio?: string;
  readonly n?: string;
  readonly format?: string;
  readonly compression?: string;
  readonly background?: string;
  readonly onLate?: string;
  readonly tenant?: string;
  readonly consistent?: boolean;
  readonly preview?: boolean;
};

/** Field of the request -> the option that sets it: errors speak of what was typed. */
export const OPTION_OF_FIELD: Readonly<Record<string, string>> = {
  latencyBudgetMs: '--budget',
  textAccuracy: '--text',
  maxCostUsd: '--max-cost',
  policy: '--policy',
  tier: '--tier',
  quality: '--quality',
  route: '--route',
  size: '--size',
  aspectRatio: '--aspect-ratio',
  n: '--n',
  format: '--format',
  compression: '--compression',
  background: '--background',
  onLate: '--on-late',
  tenant: '--tenant',
  consistent: '--consistent',
  preview: '--preview',
  referenceImages: '--reference',
  mask: '--mask',
  speed: '--speed',
  profile: '--profile',
  config: '--config',
  sandboxUrl: '--sandbox-url',
  output: '--output',
  input: '--input',
  port: '--port',
  script: '--script',
  seed: '--seed',
  imagesPerMinute: '--images-per-minute',
  pictures: '--pictures',
  out: '--out',
  concurrency: '--concurrency',
  provider: '--provider',
  requests: '--requests',
  rate: '--rate',
  name: '--name',
  scope: '--scope',
  model: '--model',
  requestsPerMinute: '--requests-per-minute',
  concurrent: '--concurrent',
  usdPerDay: '--usd-per-day',
  usdPerMonth: '--usd-per-month',
};

/** Options that shape what is asked for. */
export function addRequestOptions(command: Command): Command {
  return addNeedOptions(command)
    .option('--max-cost <dollars>', 'most this request may cost, failed and hedged calls included: 0.10')
    .option('--tier <tier>', 'insist on preview, standard or premium')
    .option('--quality <quality>', 'insist on low, medium or high')
    .option('--route <id>', 'insist on one route')
    .option('--size <size>', 'WIDTHxHEIGHT in pixels, or auto')
    .option('--aspect-ratio <ratio>', 'WIDTH:HEIGHT instead of a size')
    .option('--n <count>', 'images, 1 to 10')
    .option('--format <format>', 'png, jpeg or webp')
    .option('--compression <level>', '0 to 100, jpeg and webp only')
    .option('--background <kind>', 'auto, opaque or transparent')
    .option('--on-late <choice>', 'degrade: deliver less in time; fail: say at once that it cannot be done')
    .option('--tenant <id>', 'on whose behalf; forwarded hashed')
    .option('--consistent', 'make all --n images in one call, so that they look alike, even if that is slower')
    .option('--preview', 'a quick preview first, inside the same price cap')
    .option('--reference <file>', 'a PNG, JPEG or WebP to work from, up to 16 times: makes it an edit', collect)
    .option('--mask <file>', 'PNG as large as the first reference; its transparent pixels are redrawn');
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** The options that a classification depends on. */
export function addNeedOptions(command: Command): Command {
  return command
    .option('--budget <duration>', 'time until the image is worthless: 8s, 500ms, 2m')
    .option('--text <accuracy>', 'lettering: auto, none, some or exact')
    .option('--policy <id>', 'what to assume for everything left out');
}

/** Reads a request; `files` are its attachments, read before. Throws ImageRouterError `invalid_request` naming every problem. */
export function requestOf(prompt: string, flags: RequestFlags, files: AttachedFiles = {}): ParsedRequest {
  const problems: Problem[] = [];
  const number = (text: string | undefined, read: (text: string) => Reading): number | undefined => {
    const reading = text === undefined ? undefined : read(text);
    if (reading?.kind === 'problem') problems.push(reading.problem);
    return reading?.kind === 'value' ? reading.value : undefined;
  };
  const request = {
    prompt,
    latencyBudgetMs: number(flags.budget, (text) => readDurationMs('latencyBudgetMs', text)),
    maxCostUsd: number(flags.maxCost, (text) => readDollars('maxCostUsd', text)),
    n: number(flags.n, (text) => readNumber('n', text, 'ask for 1 to 10 images')),
    compression: number(flags.compression, (text) => readNumber('compression', text, 'give 0 to 100')),
    textAccuracy: flags.text,
    policy: flags.policy,
    tier: flags.tier,
    quality: flags.quality,
    route: flags.route,
    size: flags.size,
    aspectRatio: flags.aspectRatio,
    format: flags.format,
    background: flags.background,
    onLate: flags.onLate,
    tenant: flags.tenant,
    consistent: flags.consistent,
    preview: flags.preview,
    ...files,
  };
  if (problems.length > 0) throw problemsError('invalid_request', 'request', problems);
  return parseOrExplain(ImageRequestSchema, withoutUndefined(request), 'invalid_request', 'request');
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
