// Subtitles and slide covers: high, landscape, png, 200 to 240 s. Lettering is the point, so it may not be given up.
import type { PolicyInput } from './index.ts';

export const slideCoverPolicy: PolicyInput = {
  id: 'slide-cover',
  title: 'Subtitle, slide cover',
  defaults: {
    size: '1536x1024',
    format: 'png',
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    tier: 'premium',
    latencyBudgetMs: 420_000,
    onLate: 'degrade',
  },
  tiers: [{ none: 'premium', some: 'premium', exact: 'premium' }],
  patienceMs: { preview: 30_000, standard: 120_000, premium: 420_000 },
  valueUsd: 3,
  keptBelowNeed: 0.3,
  mayDegrade: ['tier', 'geometry'],
  fallbackOnRefusal: false,
  precheck: true,
  hedgeBudgetUsd: 0.25,
  minChance: 0.2,
  priority: 4,
};
