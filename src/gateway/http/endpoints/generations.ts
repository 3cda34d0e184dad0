// POST /v1/images/generations: a text becomes images.
import type { Endpoint } from '../endpoint.ts';
import { answerImages } from '../image-answer.ts';
import { readOrder } from '../openai/order.ts';
import { readJsonBody } from '../read-json.ts';

export const generations: Endpoint = {
  method: 'POST',
  path: '/v1/images/generations',
  scope: 'images',
  makesImages: true,
  summary: 'Make images from a prompt, as OpenAI does, with a deadline and a price cap',
  handle: async (call) => {
    const order = readOrder(call.gateway, call.principal, await readJsonBody(call), call.headers, 'generation');
    return answerImages(call, order, { kind: 'generation' });
  },
};
