// The three ways to the same picture from the same server: the SDK alone, this router, and the AI SDK, which many programs
// use for the same purpose. Each gives the bytes of the picture, so nobody is spared the decoding.
import { createOpenAI } from '@ai-sdk/openai';
import { generateImage } from 'ai';
import OpenAI from 'openai';
import { createImageRouter } from '../../src/index.ts';
import type { PictureName } from '../support/pictures.ts';

export type Contender = { readonly name: string; run(): Promise<Uint8Array>; close(): Promise<void> };

const PROMPT = 'a red fox asleep in fresh snow';
const SIZE = '1024x1024';
const API_KEY = 'sk-canned';

/** The first of them is what the others are compared with. */
export function contendersAt(url: string, picture: PictureName): readonly [Contender, Contender, Contender] {
  const baseURL = `${url}/${picture}/v1`;
  return [bare(baseURL), router(url, picture), aiSdk(baseURL)];
}

function bare(baseURL: string): Contender {
  const client = new OpenAI({ apiKey: API_KEY, baseURL, maxRetries: 0 });
  const run = async (): Promise<Uint8Array> => {
    const reply = await client.images.generate({ model: 'gpt-image-2', prompt: PROMPT, size: SIZE, quality: 'low' });
    return Buffer.from(reply.data?.[0]?.b64_json ?? '', 'base64');
  };
  return { name: 'openai SDK', run, close: async () => undefined };
}

/** With both providers configured, so that it plans over every route as in earnest. */
function router(url: string, picture: PictureName): Contender {
  const subject = createImageRouter({
    endpoints: [
      { id: 'openai', provider: 'openai', baseUrl: `${url}/${picture}/v1`, apiKey: API_KEY },
      { id: 'google', provider: 'google', baseUrl: `${url}/${picture}`, apiKey: API_KEY },
    ],
  });
  const run = async (): Promise<Uint8Array> => {
    const result = await subject.generate({ prompt: PROMPT, size: SIZE, format: 'png', tier: 'preview', latencyBudgetMs: 60_000 });
    return result.images[0]?.bytes ?? new Uint8Array();
  };
  return { name: 'image-router', run, close: () => subject.close() };
}

function aiSdk(baseURL: string): Contender {
  const model = createOpenAI({ apiKey: API_KEY, baseURL }).image('gpt-image-2');
  const providerOptions = { openai: { quality: 'low' } };
  const run = async (): Promise<Uint8Array> => {
    const { image } = await generateImage({ model, prompt: PROMPT, size: SIZE, providerOptions, maxRetries: 0 });
    return image.uint8Array;
  };
  return { name: 'AI SDK', run, close: async () => undefined };
}
