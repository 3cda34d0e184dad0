// OpenAI's moderation endpoint: free, and of the same mind as the input side of the image models here. The output side is
// another judge, so what passes may still be refused.
import { z } from 'zod';
import { type Answer, jsonAnswer } from '../call.ts';
import { moderationOf } from '../model/moderation.ts';
import { badParameter, unreadableBody } from './openai-errors.ts';

const RequestSchema = z.looseObject({
  model: z.string().default('omni-moderation-latest'),
  input: z.union([z.string(), z.array(z.string())]),
});

export function moderationsAnswer(bytes: Buffer, requestId: string): Answer {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    return unreadableBody();
  }
  const parsed = RequestSchema.safeParse(body);
  if (!parsed.success) return badParameter('input', "Missing required parameter: 'input'.", 'missing_required_parameter');
  const { model, input } = parsed.data;
  return jsonAnswer(200, { id: requestId.replace(/^req_/, 'modr-'), model, results: [input].flat().map(resultOf) });
}

function resultOf(text: string): unknown {
  const flagged = moderationOf(text) === 'input';
  return {
    flagged,
    categories: { harassment: false, sexual: false, violence: flagged, 'violence/graphic': flagged },
    category_scores: { harassment: 0.001, sexual: 0.001, violence: flagged ? 0.97 : 0.001, 'violence/graphic': flagged ? 0.94 : 0.001 },
    category_applied_input_types: { harassment: ['text'], sexual: ['text'], violence: ['text'], 'violence/graphic': ['text'] },
  };
}
