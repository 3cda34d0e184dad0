// Server-sent events as the two providers write them (field reports): openai names its events and ends lines with
// LF, google names none and ends them with CRLF. Neither sends a last event that only says it is the last.
import type { ProviderKind } from '../../domain/vocabulary.ts';
import type { Answer } from '../call.ts';
import { jsonParts } from '../json-parts.ts';

export type SseEvent = { readonly name: string | undefined; readonly value: unknown };

export function unnamed(value: unknown): SseEvent {
  return { name: undefined, value };
}

export function sseParts(event: SseEvent, protocol: ProviderKind): readonly Buffer[] {
  const head = event.name === undefined ? 'data: ' : `event: ${event.name}\ndata: `;
  return [Buffer.from(head), ...jsonParts(event.value), Buffer.from(protocol === 'google' ? '\r\n\r\n' : '\n\n')];
}

/** An answer that comes when the stream is already open: its status can no longer be said. */
export function answerEvents(answer: Answer, protocol: ProviderKind): readonly SseEvent[] {
  const { body } = answer;
  if (body.kind === 'html') return [];
  if (protocol === 'google') return [unnamed(body.value)];
  const error = typeof body.value === 'object' && body.value !== null && 'error' in body.value ? body.value.error : undefined;
  // A success without an image is, in a stream, an end without its event.
  if (error === undefined) return [];
  return answer.status >= 400 ? [{ name: 'error', value: { type: 'error', error } }] : [unnamed({ error })];
}
