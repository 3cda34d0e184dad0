// Article and blog covers: medium, landscape, webp 90, 30 to 40 s.
import type { PolicyInput } from './index.ts';

export const blogCoverPolicy: PolicyInput = {
  id: 'blog-cover',
  title: 'Article or blog cover',
  defaults: {
    size: '1536x1024',
    format: 'webp',
    compression: 90,
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    tier: 'standard',
    latencyBudgetMs: 120_000,
    onLate: 'degrade',
  },
  tiers: [{ none: 'standard', some: 'standard', exact: 'standard' }],
  patienceMs: { preview: 30_000, standard: 120_000, premium: 420_000 },
  valueUsd: 0.5,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'text', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.2,
  minChance: 0.2,
  priority: 4,
};
