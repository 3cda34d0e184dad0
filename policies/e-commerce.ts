// E-commerce main images and banners: medium, square, jpeg 85 (60-70 % smaller than png without visible loss), 25 to
// 35 s.
import type { PolicyInput } from './index.ts';

export const eCommercePolicy: PolicyInput = {
  id: 'e-commerce',
  title: 'E-commerce main image, banner',
  defaults: {
    size: '1024x1024',
    format: 'jpeg',
    compression: 85,
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    tier: 'standard',
    latencyBudgetMs: 90_000,
    onLate: 'degrade',
  },
  tiers: [{ none: 'standard', some: 'standard', exact: 'standard' }],
  patienceMs: { preview: 30_000, standard: 120_000, premium: 420_000 },
  valueUsd: 1,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.2,
  minChance: 0.2,
  priority: 5,
};
