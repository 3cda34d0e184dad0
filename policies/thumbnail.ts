// Thumbnails and prototypes: low, square, jpeg 75, 3 to 8 s.
import type { PolicyInput } from './index.ts';

export const thumbnailPolicy: PolicyInput = {
  id: 'thumbnail',
  title: 'Thumbnail, prototype',
  defaults: {
    size: '1024x1024',
    format: 'jpeg',
    compression: 75,
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    tier: 'preview',
    latencyBudgetMs: 30_000,
    onLate: 'degrade',
  },
  tiers: [{ none: 'preview', some: 'preview', exact: 'preview' }],
  patienceMs: { preview: 30_000, standard: 120_000, premium: 420_000 },
  valueUsd: 0.2,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'text', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.02,
  minChance: 0.2,
  priority: 3,
};
