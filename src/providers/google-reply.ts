// Finds the picture in a Gemini answer. The SDK's `.data` joins every inline part, drafts included, into one corrupt
// string, so parts are walked here: thoughts are skipped, the last picture is the final one, and a relay's
// `data:image/...` inside text counts as a picture.
import { z } from 'zod';
import type { Usage } from '../domain/price.ts';

const tokens = z.int().min(0).nullish();
const word = z.string().optional().catch(undefined);
const ModalitySchema = z.array(z.object({ modality: z.string(), tokenCount: tokens })).nullish();
const UsageSchema = z.object({
  promptTokenCount: tokens,
  promptTokensDetails: ModalitySchema,
  candidatesTokenCount: tokens,
  candidatesTokensDetails: ModalitySchema,
  thoughtsTokenCount: tokens,
});
const PartSchema = z.object({
  thought: z.boolean().nullish(),
  text: z.string().nullish(),
  inlineData: z.object({ data: z.string().nullish() }).nullish(),
});
const CandidateSchema = z.object({
  content: z
    .object({ parts: z.array(PartSchema).nullish() })
    .nullish()
    .catch(undefined),
  finishReason: word,
  finishMessage: word,
});
const ReplySchema = z.object({
  candidates: z.array(CandidateSchema).nullish().catch(undefined),
  promptFeedback: z.object({ blockReason: word }).nullish().catch(undefined),
  usageMetadata: UsageSchema.nullish().catch(undefined),
  responseId: word,
});
type Part = z.infer<typeof PartSchema>;

export type GoogleReply = {
  /** Base64 or a data URI; undefined when there is none. */
  readonly picture: string | undefined;
  readonly parts: 'none' | 'text' | 'thoughts';
  readonly finishReason: string | undefined;
  /** Only in the body as it came on the wire: the SDK drops it. */
  readonly finishMessage: string | undefined;
  readonly blockReason: string | undefined;
  readonly usage: Usage | undefined;
  /** Tokens the provider itself calls image tokens: a picture was made and counted, whether or not it came. */
  readonly drawnTokens: number;
  readonly responseId: string | undefined;
};

const DATA_URI = /data:image\/[\w.+-]+;base64,[A-Za-z0-9+/]+={0,2}/;

/** Takes the SDK's response or the body itself; undefined for what is no object at all. */
export function readGoogleReply(body: unknown): GoogleReply | undefined {
  const reply = ReplySchema.safeParse(body);
  if (!reply.success) return undefined;
  const candidate = reply.data.candidates?.[0];
  const parts = candidate?.content?.parts ?? [];
  const spoken = parts.filter((part) => part.thought !== true);
  return {
    picture: spoken.map(pictureIn).findLast((picture) => picture !== undefined),
    parts: spoken.some((part) => part.text) ? 'text' : parts.length > spoken.length ? 'thoughts' : 'none',
    finishReason: candidate?.finishReason,
    finishMessage: candidate?.finishMessage,
    blockReason: reply.data.promptFeedback?.blockReason,
    usage: reply.data.usageMetadata ? usageOf(reply.data.usageMetadata) : undefined,
    drawnTokens: imageTokens(reply.data.usageMetadata?.candidatesTokensDetails),
    responseId: reply.data.responseId,
  };
}

function pictureIn(part: Part): string | undefined {
  if (part.inlineData) return part.inlineData.data ?? '';
  return part.text ? DATA_URI.exec(part.text)?.[0] : undefined;
}

/** What was made beyond the picture is text, thoughts included. Without a breakdown everything made counts as picture. */
function usageOf(usage: z.infer<typeof UsageSchema>): Usage {
  const made = usage.candidatesTokenCount ?? 0;
  const imageOutTokens = usage.candidatesTokensDetails ? imageTokens(usage.candidatesTokensDetails) : made;
  const imageInTokens = imageTokens(usage.promptTokensDetails);
  return {
    textInTokens: Math.max(0, (usage.promptTokenCount ?? 0) - imageInTokens),
    imageInTokens,
    imageOutTokens,
    textOutTokens: Math.max(0, made - imageOutTokens) + (usage.thoughtsTokenCount ?? 0),
  };
}

function imageTokens(details: z.infer<typeof ModalitySchema>): number {
  return (details ?? []).reduce((sum, detail) => sum + (detail.modality === 'IMAGE' ? (detail.tokenCount ?? 0) : 0), 0);
}
