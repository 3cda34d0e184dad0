// One image call as the sandbox understands it, after a face has read its wire format: the same noun for both protocols,
// so that latency, billing, faults and pictures are written once. Answers are values too; only the server sends them.
import type { Route } from '../domain/route.ts';
import type { Size } from '../domain/size.ts';
import type { Complexity, ImageFormat, ProviderKind, Quality } from '../domain/vocabulary.ts';

/** Whose front door a request came through. The aggregator speaks both protocols behind one key. */
export const FACES = ['openai', 'google', 'aggregator'] as const;
export type Face = (typeof FACES)[number];

/** A picture the caller sent: to be edited, or the mask that says where. */
export type Reference = {
  readonly bytes: Buffer;
  readonly size: Size;
  readonly hasAlpha: boolean;
  /** Names the picture by its bytes. */
  readonly digest: string;
};

export type ImageCall = {
  readonly face: Face;
  /** The wire protocol it was spoken in; an answer must be in the same one. */
  readonly protocol: ProviderKind;
  readonly route: Route;
  /** The model name as the caller wrote it. */
  readonly model: string;
  /** Resolved: never auto. Undefined on models without the setting. */
  readonly quality: Quality | undefined;
  readonly size: Size;
  /** Gemini's own name for the pixels: `1K`, `2K`, `4K`. */
  readonly resolution: string | undefined;
  readonly n: number;
  readonly prompt: string;
  readonly complexity: Complexity;
  /** Empty for a plain generation; the first is the one that is edited. */
  readonly references: readonly Reference[];
  /** Where the first reference is to be drawn anew: where this is transparent. */
  readonly mask: Reference | undefined;
  /** Undefined: one answer at the end. Gemini streams have no partial images. */
  readonly stream: { readonly partialImages: number } | undefined;
  readonly format: ImageFormat;
  /** 0 to 100 for jpeg and webp; undefined: the best. */
  readonly compression: number | undefined;
  readonly transparent: boolean;
  /** Gemini's X-Server-Timeout: the call is answered 504 when it takes longer. */
  readonly serverTimeoutMs: number | undefined;
  /** `v1` or `v1beta`: some answers name it. */
  readonly apiVersion: string;
  /** Echoed by openai when it was sent. */
  readonly safetyIdentifier: string | undefined;
  /** Whether it takes up an answer that Gemini had left unfinished. */
  readonly continues: boolean;
  /** Whether it came over a connection that had carried a request before. */
  readonly onUsedConnection: boolean;
};

/** What a reader of requests is told besides the body. */
export type Arrival = { readonly face: Face; readonly onUsedConnection: boolean };

/** An HTTP answer before it is sent. Faces add their own headers. A Buffer in a JSON value is text to be quoted as it is (json-parts.ts). */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'html'; readonly text: string };
};

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: { kind: 'json', value } };
}

export function htmlAnswer(status: number, text: string): Answer {
  return { status, headers: {}, body: { kind: 'html', text } };
}

/** What reading a request comes to: a call for the model, or an answer that says what is wrong with it. */
export type Reading = { readonly kind: 'call'; readonly call: ImageCall } | { readonly kind: 'invalid'; readonly answer: Answer };

export function invalid(answer: Answer): Reading {
  return { kind: 'invalid', answer };
}
