// What startSandbox takes, with every default and its reason. Resolved once.
import { z } from 'zod';
import type { Route } from '../domain/route.ts';
import { LATENCY_PROFILES, type LatencyProfile } from '../domain/vocabulary.ts';
import type { Clock } from '../system/clock.ts';
import { FACES, type Face } from './call.ts';
import { parseFaultScript } from './faults/injector.ts';
import type { FaultScript } from './faults/rule.ts';
import type { WorldSettings } from './world.ts';

/** The key every face accepts unless another is given. It opens nothing but a sandbox. */
export const SANDBOX_KEY = 'sk-sandbox';

export type SandboxOptions = {
  /** The models to serve, with their latencies and prices: the router's own catalogue. */
  readonly routes: readonly Route[];
  /** The world's clock: every delay, wish to wait and date runs on it. */
  readonly clock: Clock;
  /** Same seed, same latencies, faults and pictures. Default 1. */
  readonly seed?: number | string;
  /** Which latency prior to draw from. Default brief: the published numbers. */
  readonly profile?: LatencyProfile;
  /** TCP port on 127.0.0.1. Default 0: any free one. */
  readonly port?: number;
  /** The key that is accepted. Default `sk-sandbox`. */
  readonly apiKey?: string;
  /** Images a minute per model, at every face or by face; Infinity: no limit. Default: openai and google 250 (OpenAI's tier 5), aggregator unlimited. */
  readonly imagesPerMinute?: number | Partial<Readonly<Record<Face, number>>>;
  /** Faults in force from the start. Default none. */
  readonly script?: FaultScript;
  /** honest: files as heavy as the real ones. light: small files, for tests and speed. tiny: one flat colour, about 1 KB as PNG. Default honest. */
  readonly pictures?: 'honest' | 'light' | 'tiny';
  /** model: every call takes its drawn time. none: no waiting at all except where a fault says so, for benchmarks. Default model. */
  readonly latency?: 'model' | 'none';
  /** Whether the faults of an ordinary day happen by themselves. Default false. */
  readonly baselineFaults?: boolean;
  /**
   * Whether whole routes fall ill for a while, as field reports suggest: errors and a slower model for tens of minutes.
   * A number shrinks the calendar: at 100, a month is seven hours of the world and an hour 36 seconds. Default false.
   */
  readonly incidents?: boolean | number;
  /** Whether a route's speed wanders by some 8 % over ten minutes, and Gemini's with the hour. Default false. */
  readonly drift?: boolean;
  /** Whether a picture refused after it was made is billed; the vendor does not say. Default false. */
  readonly billRefusedOutput?: boolean;
};

const perMinute = z.custom<number>((value) => typeof value === 'number' && value > 0, 'must be more than 0');

const OptionsSchema = z.strictObject({
  routes: z.custom<readonly Route[]>((value) => Array.isArray(value) && value.length > 0, 'must list at least one route'),
  clock: z.custom<Clock>((value) => typeof value === 'object' && value !== null && 'timer' in value, 'must be a Clock'),
  seed: z.union([z.number(), z.string()]).default(1),
  profile: z.enum(LATENCY_PROFILES).default('brief'),
  port: z.int().min(0).max(65_535).default(0),
  apiKey: z.string().min(1).default(SANDBOX_KEY),
  imagesPerMinute: z.union([perMinute, z.partialRecord(z.enum(FACES), perMinute)]).default({}),
  script: z.unknown().optional(),
  pictures: z.enum(['honest', 'light', 'tiny']).default('honest'),
  latency: z.enum(['model', 'none']).default('model'),
  baselineFaults: z.boolean().default(false),
  incidents: z.union([z.boolean(), z.number().min(1).max(100_000)]).default(false),
  drift: z.boolean().default(false),
  billRefusedOutput: z.boolean().default(false),
});

export type Resolved = { readonly settings: WorldSettings; readonly port: number };

/** Throws RangeError naming option and rule. */
export function resolveOptions(options: SandboxOptions): Resolved {
  const parsed = OptionsSchema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new RangeError(`sandbox.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`);
  }
  const { port, imagesPerMinute, script, incidents, ...rest } = parsed.data;
  const settings = {
    ...rest,
    script: parseFaultScript(script ?? { rules: [] }),
    imagesPerMinute: limitsOf(imagesPerMinute),
    incidentsFaster: incidents === false ? undefined : Number(incidents),
  };
  return { settings, port };
}

const TIER_5_IMAGES_PER_MINUTE = 250;

function limitsOf(given: number | Partial<Readonly<Record<Face, number>>>): Readonly<Record<Face, number>> {
  if (typeof given === 'number') return { openai: given, google: given, aggregator: given };
  return {
    openai: given.openai ?? TIER_5_IMAGES_PER_MINUTE,
    google: given.google ?? TIER_5_IMAGES_PER_MINUTE,
    aggregator: given.aggregator ?? Number.POSITIVE_INFINITY,
  };
}
