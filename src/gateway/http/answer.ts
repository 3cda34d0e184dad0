// An answer as a value: made once, then sent, stored, replayed or given to several callers. Its body is pieces in order, so
// that the base64 of a picture is a slice of what a provider sent and is never copied into text.
import type { StoredAnswer } from '../ports.ts';
import type { ImageFacts } from './http-event.ts';

/** What the log says of an answer beyond its status. */
export type AnswerFacts = ImageFacts;

export type Answer = StoredAnswer & {
  readonly facts: AnswerFacts;
  /** Micro-dollars billed or possibly billed on the way to it: what was spent is not spent again for the same key. */
  readonly spentMicroUsd: number;
};

export function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((total, piece) => total + piece.byteLength, 0);
}

export function utf8(text: string): Uint8Array {
  return Buffer.from(text);
}

export const JSON_TYPE = { 'content-type': 'application/json' } as const;
