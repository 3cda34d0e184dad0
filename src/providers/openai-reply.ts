// Reads what OpenAI's image API, or a reseller in its place, answered under status 200. The SDK promises a type and
// checks nothing: an HTML page resolves to a string, an error to an image response, an empty body to undefined.
import { z } from 'zod';
import type { Usage } from '../domain/price.ts';
import { isMarkup } from './public-message.ts';

const tokens = z.int().min(0);
const UsageSchema = z.object({
  input_tokens: tokens,
  input_tokens_details: z.object({ text_tokens: tokens, image_tokens: tokens }).nullish(),
  output_tokens: tokens,
  output_tokens_details: z.object({ image_tokens: tokens, text_tokens: tokens }).nullish(),
});
const ReplySchema = z.object({
  data: z.array(z.object({ b64_json: z.string().nullish(), url: z.string().nullish() })),
  usage: UsageSchema.nullish().catch(undefined),
});
const ErrorReplySchema = z.object({ error: z.union([z.object({}).loose(), z.string().min(1)]) });

export type OpenAIReply =
  | { readonly kind: 'images'; readonly pictures: readonly string[]; readonly usage: Usage | undefined }
  /** `{"error": ...}` under status 200, as resellers send it. */
  | { readonly kind: 'error'; readonly error: unknown }
  /** JSON without a single image. */
  | { readonly kind: 'empty'; readonly reason: string; readonly usage: Usage | undefined }
  | { readonly kind: 'unreadable'; readonly reason: string };

export function readOpenAIReply(body: unknown): OpenAIReply {
  if (typeof body === 'string') return readText(body);
  // A schema that does not fit explains at length why not, and this one hardly ever fits.
  const error = hasError(body) ? ErrorReplySchema.safeParse(body) : undefined;
  if (error?.success) return { kind: 'error', error: errorOf(error.data.error) };
  const reply = ReplySchema.safeParse(body);
  if (!reply.success) return { kind: 'empty', reason: 'the answer holds no list of images', usage: undefined };
  const usage = reply.data.usage ? usageOf(reply.data.usage) : undefined;
  const pictures = reply.data.data.map((item) => item.b64_json ?? '').filter((encoded) => encoded !== '');
  if (pictures.length > 0) return { kind: 'images', pictures, usage };
  const isLink = reply.data.data.some((item) => item.url);
  return { kind: 'empty', reason: isLink ? 'the answer holds links instead of images' : 'the list of images is empty', usage };
}

function hasError(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'error' in body;
}

/** A content type other than JSON leaves the body a string; the JSON inside is as good as any. */
function readText(body: string): OpenAIReply {
  if (isMarkup(body)) return { kind: 'unreadable', reason: 'an HTML page came instead of an image' };
  if (!body.trimStart().startsWith('{')) return { kind: 'unreadable', reason: 'text came instead of JSON' };
  try {
    const json: unknown = JSON.parse(body);
    return readOpenAIReply(json);
  } catch {
    return { kind: 'unreadable', reason: 'the JSON breaks off' };
  }
}

function errorOf(error: unknown): unknown {
  return typeof error === 'string' ? { message: error } : error;
}

/** Tokens without a breakdown are counted as the dearer kind going out and the only possible kind coming in. */
function usageOf(usage: z.infer<typeof UsageSchema>): Usage {
  return {
    textInTokens: usage.input_tokens_details?.text_tokens ?? usage.input_tokens,
    imageInTokens: usage.input_tokens_details?.image_tokens ?? 0,
    imageOutTokens: usage.output_tokens_details?.image_tokens ?? usage.output_tokens,
    textOutTokens: usage.output_tokens_details?.text_tokens ?? 0,
  };
}
