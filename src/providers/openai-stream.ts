// Reads OpenAI's event stream down to its completed picture. Interim pictures are only passed on, and nothing about them
// can fail the call; the completed event goes the way of every other answer. A stream is trusted for nothing else: it can
// end without a word, which the SDK reports as a plain end, and a relay can leave the names of events away.
import { z } from 'zod';
import { decodeBase64 } from './base64.ts';
import { formatOf } from './picture-file.ts';
import type { PartialImage, ProviderCall } from './provider.ts';

const PartialSchema = z.object({
  type: z.enum(['image_generation.partial_image', 'image_edit.partial_image']),
  b64_json: z.string(),
  partial_image_index: z.int().min(0),
});
const CompletedSchema = z.object({
  type: z.enum(['image_generation.completed', 'image_edit.completed']),
  b64_json: z.unknown(),
  usage: z.unknown(),
});

/** A stream that ended without its picture; an abort ends one the same way, but nobody waits for that call any more. */
export const BROKEN_OFF = Symbol('broken off');

/** Events say which step they are, never which picture: several cannot be told apart. */
export function isStreamed(call: ProviderCall): boolean {
  return call.onPartial !== undefined && call.route.capabilities.streaming && call.n === 1;
}

/**
 * The completed event in the shape of an unstreamed answer, or BROKEN_OFF when the stream ended without one. Returning before
 * the end closes the connection. Rejects as the SDK does for error events and broken connections.
 */
export async function readStream(
  events: AsyncIterable<unknown>,
  onPartial: ProviderCall['onPartial'],
  signal: AbortSignal,
): Promise<unknown> {
  for await (const event of events) {
    const completed = CompletedSchema.safeParse(event);
    if (completed.success) return { data: [{ b64_json: completed.data.b64_json }], usage: completed.data.usage };
    const partial = partialIn(event);
    if (partial !== undefined && !signal.aborted) tell(onPartial, partial);
  }
  return BROKEN_OFF;
}

/** Undefined for other events and for what is no picture. */
function partialIn(event: unknown): PartialImage | undefined {
  const parsed = PartialSchema.safeParse(event);
  const bytes = parsed.success ? decodeBase64(parsed.data.b64_json) : undefined;
  const format = bytes && formatOf(bytes);
  return parsed.success && bytes && format ? { bytes, format, index: parsed.data.partial_image_index } : undefined;
}

/** A listener that throws is the listener's trouble: the picture is being paid for. */
function tell(onPartial: ProviderCall['onPartial'], partial: PartialImage): void {
  try {
    onPartial?.(partial);
  } catch {}
}
