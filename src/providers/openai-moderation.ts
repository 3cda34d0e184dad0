// OpenAI's moderation endpoint as a check before spending: it takes a third of a second and no money, where a refused
// picture takes its full time and possibly its price. It judges words only and is milder than the image model's own
// moderation, so `passed` is no promise.
import { z } from 'zod';
import type { Moderation } from './provider.ts';

export const MODERATION_MODEL = 'omni-moderation-latest';

const ReplySchema = z.object({
  results: z.array(z.object({ flagged: z.boolean(), categories: z.record(z.string(), z.unknown()).catch({}) })).min(1),
});

/** Anything but a moderation result, as a reseller may send it, is `unavailable`. */
export function readModeration(body: unknown): Moderation {
  const reply = ReplySchema.safeParse(body);
  if (!reply.success) return { kind: 'unavailable', reason: 'the answer is no moderation result' };
  const flagged = reply.data.results.filter((result) => result.flagged);
  if (flagged.length === 0) return { kind: 'passed' };
  const categories = flagged.flatMap((result) => Object.entries(result.categories).filter(([, isHit]) => isHit === true));
  const names = [...new Set(categories.map(([name]) => name))];
  return { kind: 'refused', message: `flagged by moderation${names.length === 0 ? '' : ` as ${names.join(', ')}`}` };
}
