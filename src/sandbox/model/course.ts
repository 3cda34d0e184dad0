// The course of a call: what will happen to it and when, decided at arrival as one value. A healthy course comes from the
// call and its draws; every fault is a function from course to course (faults/table.ts), so faults compose and the
// server has a single path for all of them. No clock, no I/O: a simulation can follow the same courses.
import type { Usage } from '../../domain/price.ts';
import type { LatencyProfile } from '../../domain/vocabulary.ts';
import type { Answer, ImageCall } from '../call.ts';
import type { FaultId } from '../faults/rule.ts';
import { type DrawKey, streamFor, uniform } from './draws.ts';
import { drawLatencyMs } from './latency.ts';

/** How the pictures of an otherwise successful answer are spoilt. */
export type Alteration =
  | 'bad-base64'
  | 'zero-bytes'
  | 'half-picture'
  | 'wrong-magic'
  | 'wrong-format'
  | 'huge-image'
  | 'fewer-images'
  | 'wrong-size'
  | 'thought-image'
  | 'data-uri-text';

export type Ending =
  | { readonly kind: 'pictures'; readonly alterations: readonly Alteration[] }
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The socket is destroyed without a byte. */
  | { readonly kind: 'cut' }
  /** Nothing is ever said; the socket stays open until the caller leaves. */
  | { readonly kind: 'silence' };

/** How the bytes of the answer travel (of a stream: of its last events). `fraction` of them arrives before what happens happens. */
export type Transport =
  | { readonly kind: 'whole' }
  | { readonly kind: 'truncated'; readonly fraction: number }
  | { readonly kind: 'reset'; readonly fraction: number }
  /** From then on it trickles; at 0 bytes a second nothing more comes, and the socket stays open. */
  | { readonly kind: 'slow'; readonly fraction: number; readonly bytesPerSecond: number };

/** When the events before the last are sent, in world milliseconds from arrival. Headers go out when the stream opens. */
export type StreamTimes = { readonly opensAtMs: number; readonly partialsAtMs: readonly number[] };

/** How a call that reached the model ended, from the provider's side of the wire. */
export type Outcome = 'delivered' | 'refused' | 'failed' | 'lost';

export type Course = {
  /** World milliseconds from arrival to the ending. */
  readonly delayMs: number;
  readonly ending: Ending;
  readonly transport: Transport;
  /** Undefined: nothing is sent before the ending. */
  readonly stream: StreamTimes | undefined;
  /** False: it was answered at the door, and the ledger has no row of it. */
  readonly reachesModel: boolean;
  readonly billed: boolean;
  /** What is billed instead of the usage of the whole call. */
  readonly usage: Usage | undefined;
  readonly outcome: Outcome;
  readonly fault: FaultId | undefined;
};

/** `pace` stretches the drawn latency: 1 as published, 0 for a world without waiting. */
export function healthyCourse(call: ImageCall, profile: LatencyProfile, key: DrawKey, pace: number): Course {
  const delayMs = pace === 0 ? 0 : pace * drawLatencyMs(call, profile, key);
  return {
    delayMs,
    ending: { kind: 'pictures', alterations: [] },
    transport: { kind: 'whole' },
    stream: call.stream && streamTimes(call.protocol === 'openai' ? call.stream.partialImages : 1, delayMs, key),
    reachesModel: true,
    billed: true,
    usage: undefined,
    outcome: 'delivered',
    fault: undefined,
  };
}

/** Headers of a stream go out once the request is admitted. */
const OPENS_AFTER_MS = [150, 600] as const;
/** First partial at 35 to 50 % of the latency, second about 70 % (field reports); the third is a guess. */
const PARTIALS_AT = [0.42, 0.7, 0.87] as const;
const PARTIAL_JITTER = 0.05;

/** Gemini sends one thought early; openai as many partial images as were asked for. */
function streamTimes(partials: number, delayMs: number, key: DrawKey): StreamTimes {
  const random = streamFor(key, 'stream');
  const opensAtMs = Math.min(delayMs, uniform(random, ...OPENS_AFTER_MS));
  const partialsAtMs = PARTIALS_AT.slice(0, partials).map((share) =>
    Math.max(opensAtMs, delayMs * (share + uniform(random, -PARTIAL_JITTER, PARTIAL_JITTER))),
  );
  return { opensAtMs, partialsAtMs };
}

/** Everything after the opening takes `factor` times as long. */
export function stretched(course: Course, factor: number): Course {
  const { stream } = course;
  return {
    ...course,
    delayMs: course.delayMs * factor,
    stream: stream && { ...stream, partialsAtMs: stream.partialsAtMs.map((atMs) => atMs * factor) },
  };
}

/** Answered before the model saw it: free, and not in the ledger. */
export function answeredAtDoor(course: Course, answer: Answer, delayMs: number): Course {
  return {
    ...course,
    delayMs,
    ending: { kind: 'answer', answer },
    transport: { kind: 'whole' },
    stream: undefined,
    reachesModel: false,
    billed: false,
    outcome: 'failed',
  };
}

/** The model worked for `delayMs` and this is what came of it. A page of HTML can only come instead of a stream. */
export function answeredByModel(
  course: Course,
  answer: Answer,
  ending: { readonly delayMs: number; readonly billed: boolean; readonly outcome: Outcome },
): Course {
  const stream = answer.body.kind === 'html' ? undefined : course.stream;
  return { ...course, ...ending, ending: { kind: 'answer', answer }, stream, reachesModel: true };
}
