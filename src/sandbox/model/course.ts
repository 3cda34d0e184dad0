// The course of a call: what will happen to it and when, decided at arrival as one value. A healthy course comes from the
// call and its draws; every fault is a function from course to course (faults/table.ts), so faults compose and the
// server has a single path for all of them. No clock, no I/O: a simulation can follow the same courses.
import type { LatencyProfile } from '../../domain/vocabulary.ts';
import type { Answer, ImageCall } from '../call.ts';
import type { FaultId } from '../faults/rule.ts';
import type { DrawKey } from './draws.ts';
import { drawLatencyMs } from './latency.ts';

/** How the pictures of an otherwise successful answer are spoilt. */
export type Alteration = 'bad-base64' | 'wrong-magic' | 'fewer-images' | 'wrong-size' | 'thought-image' | 'data-uri-text';

export type Ending =
  | { readonly kind: 'pictures'; readonly alterations: readonly Alteration[] }
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The socket is destroyed without a byte. */
  | { readonly kind: 'cut' }
  /** Nothing is ever said; the socket stays open until the caller leaves. */
  | { readonly kind: 'silence' };

/** How the bytes of the answer travel. `fraction` of the body arrives before what happens happens. */
export type Transport =
  | { readonly kind: 'whole' }
  | { readonly kind: 'truncated'; readonly fraction: number }
  | { readonly kind: 'reset'; readonly fraction: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number };

/** How a call that reached the model ended, from the provider's side of the wire. */
export type Outcome = 'delivered' | 'refused' | 'failed' | 'lost';

export type Course = {
  /** World milliseconds from arrival to the ending. */
  readonly delayMs: number;
  readonly ending: Ending;
  readonly transport: Transport;
  /** False: it was answered at the door, and the ledger has no row of it. */
  readonly reachesModel: boolean;
  readonly billed: boolean;
  readonly outcome: Outcome;
  readonly fault: FaultId | undefined;
};

export function healthyCourse(call: ImageCall, profile: LatencyProfile, key: DrawKey): Course {
  return {
    delayMs: drawLatencyMs(call, profile, key),
    ending: { kind: 'pictures', alterations: [] },
    transport: { kind: 'whole' },
    reachesModel: true,
    billed: true,
    outcome: 'delivered',
    fault: undefined,
  };
}

/** Answered before the model saw it: free, and not in the ledger. */
export function answeredAtDoor(course: Course, answer: Answer, delayMs: number): Course {
  return {
    ...course,
    delayMs,
    ending: { kind: 'answer', answer },
    transport: { kind: 'whole' },
    reachesModel: false,
    billed: false,
    outcome: 'failed',
  };
}

/** The model worked for `delayMs` and this is what came of it. */
export function answeredByModel(
  course: Course,
  answer: Answer,
  ending: { readonly delayMs: number; readonly billed: boolean; readonly outcome: Outcome },
): Course {
  return { ...course, ...ending, ending: { kind: 'answer', answer }, reachesModel: true };
}
