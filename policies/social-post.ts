// Social media posts: medium, portrait, jpeg 85, 30 to 40 s.
import type { PolicyInput } from './index.ts';

export const socialPostPolicy: PolicyInput = {
  id: 'social-post',
  title: 'Social media post',
  defaults: {
    size: '1024x1536',
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
  valueUsd: 0.5,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'text', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.2,
  minChance: 0.2,
  priority: 5,
};
