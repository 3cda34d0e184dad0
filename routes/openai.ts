// gpt-image-2 at its three quality settings: one model, three routes, because one parameter moves latency from 5 to 235
// seconds and price from 0.6 to 21 cents.
import { REQUEST_SIZES } from '../src/domain/request.ts';
import type { RouteInput } from './index.ts';

const SOURCE = 'practitioner guide to gpt-image-2 in production (2026); OpenAI image API documentation, 2026-08';

const capabilities: RouteInput['capabilities'] = {
  operations: ['generate', 'edit'],
  sizes: REQUEST_SIZES,
  maxImages: 10,
  formats: ['png', 'jpeg', 'webp'],
  transparency: true,
  maxReferences: 16,
  mask: true,
  streaming: true,
  maxPromptCharacters: 32_000,
};

function price(patches: number): RouteInput['price'] {
  return {
    kind: 'image-tokens',
    patches,
    textInUsdPerMillion: 5,
    imageInUsdPerMillion: 8,
    imageOutUsdPerMillion: 30,
    // Not published: gpt-image-2 reads references at high fidelity, like gpt-image-1 did with about 4 600 tokens a square.
    referenceTokens: { expected: 4_600, ceiling: 7_000 },
    // From memory of the documentation, unverified.
    partialTokens: 100,
    source: 'OpenAI price list for gpt-image-2; token count fitted to its nine published sizes',
    asOf: '2026-08-15',
  };
}

export const openaiRoutes: readonly RouteInput[] = [
  {
    id: 'gpt-image-2-low',
    title: 'gpt-image-2, low',
    provider: 'openai',
    model: 'gpt-image-2',
    tier: 'preview',
    settings: { quality: 'low' },
    capabilities,
    latency: {
      brief: { shiftSeconds: 2.2, medianSeconds: 2.4, sigma: 0.4, success: 0.985 },
      field: { shiftSeconds: 0, medianSeconds: 7, sigma: 0.39, success: 0.985 },
      sizeFactor: { kind: 'pixels', at1536: 1.25 },
      complexityFactor: { simple: 1, normal: 1, complex: 1 },
      source: SOURCE,
    },
    price: price(16),
    accuracy: { visual: 0.7, text: 0.75, source: `${SOURCE}: medium picture, average lettering` },
    // About 30 s, the brief's figure: a route that merely got slower must be able to show it.
    timeoutFactor: 3.5,
    concurrency: 16,
  },
  {
    id: 'gpt-image-2-medium',
    title: 'gpt-image-2, medium',
    provider: 'openai',
    model: 'gpt-image-2',
    tier: 'standard',
    settings: { quality: 'medium' },
    capabilities,
    latency: {
      brief: { shiftSeconds: 16, medianSeconds: 8, sigma: 0.45, success: 0.985 },
      field: { shiftSeconds: 0, medianSeconds: 36.8, sigma: 0.39, success: 0.985 },
      sizeFactor: { kind: 'pixels', at1536: 1.52 },
      complexityFactor: { simple: 0.85, normal: 1, complex: 1.15 },
      source: SOURCE,
    },
    price: price(48),
    accuracy: { visual: 0.88, text: 0.9, source: `${SOURCE}: high picture, good lettering` },
    // About 60 s, the brief's figure.
    timeoutFactor: 1.6,
    concurrency: 12,
  },
  {
    id: 'gpt-image-2-high',
    title: 'gpt-image-2, high',
    provider: 'openai',
    model: 'gpt-image-2',
    tier: 'premium',
    settings: { quality: 'high' },
    capabilities,
    latency: {
      brief: { shiftSeconds: 73.6, medianSeconds: 121.4, sigma: 0.1965, success: 0.985 },
      field: { shiftSeconds: 0, medianSeconds: 153.8, sigma: 0.39, success: 0.985 },
      sizeFactor: { kind: 'pixels', at1536: 1.275 },
      complexityFactor: { simple: 0.52, normal: 1, complex: 1.25 },
      source: SOURCE,
    },
    price: price(96),
    accuracy: { visual: 0.97, text: 0.99, source: `${SOURCE}: very high picture, lettering 99 % and better` },
    timeoutFactor: 1.3,
    // Concurrent high renders slow each other down until they all time out: few at a time.
    concurrency: 4,
  },
];
