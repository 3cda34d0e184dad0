// Gemini's image models. They take an aspect ratio and a named resolution instead of pixels, answer JPEG only, draw one
// image a call, and always think first.
import type { RouteInput } from './index.ts';

const RATIOS_1K = {
  '1:1': '1024x1024',
  '2:3': '848x1264',
  '3:2': '1264x848',
  '3:4': '896x1200',
  '4:3': '1200x896',
  '4:5': '928x1152',
  '5:4': '1152x928',
  '9:16': '768x1376',
  '16:9': '1376x768',
  '21:9': '1584x672',
};

/** Every published 2K and 4K size is the 1K size times two and times four. */
function scaled(factor: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(RATIOS_1K).map(([ratio, size]) => [
      ratio,
      size
        .split('x')
        .map((edge) => Number(edge) * factor)
        .join('x'),
    ]),
  );
}

export const googleRoutes: readonly RouteInput[] = [
  {
    id: 'nano-banana-pro',
    title: 'nano-banana-pro (Gemini 3 Pro Image)',
    provider: 'google',
    model: 'gemini-3-pro-image',
    tier: 'preview',
    settings: {},
    capabilities: {
      operations: ['generate', 'edit'],
      sizes: { kind: 'ratios', resolutions: { '1K': RATIOS_1K, '2K': scaled(2), '4K': scaled(4) }, maxCropFraction: 0.08 },
      maxImages: 1,
      formats: ['jpeg'],
      transparency: false,
      maxReferences: 14,
      mask: false,
      streaming: false,
      maxPromptCharacters: 32_000,
    },
    latency: {
      brief: { shiftSeconds: 0, medianSeconds: 4.9, sigma: 0.25, success: 0.98 },
      field: { shiftSeconds: 0, medianSeconds: 18, sigma: 0.3, success: 0.95 },
      sizeFactor: { kind: 'resolution', factors: { '1K': 1, '2K': 24 / 18, '4K': 50 / 18 } },
      complexityFactor: { simple: 1, normal: 1, complex: 1 },
      source: 'the brief says about 5 s; public measurements from the field cluster at 15 to 25 s',
    },
    price: {
      kind: 'resolution-tokens',
      imageTokens: { '1K': 1120, '2K': 1120, '4K': 2000 },
      imageOutUsdPerMillion: 120,
      textInUsdPerMillion: 2,
      textOutUsdPerMillion: 12,
      thoughtTokens: { expected: 450, ceiling: 2000 },
      // The price list's $0.0011 an image.
      referenceTokens: { expected: 560, ceiling: 560 },
      source: 'Google price list for gemini-3-pro-image; thinking tokens from field samples',
      asOf: '2026-06-01',
    },
    accuracy: { visual: 0.9, text: 0.94, source: 'third-party lettering comparisons (weak evidence), 2026' },
    // The field is two to eight times slower than the brief: a tight timeout would give up on healthy calls.
    timeoutFactor: 4,
    concurrency: 8,
  },
];
