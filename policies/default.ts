// What a caller gets who says nothing: standard work, premium when lettering must be exact and time allows.
import type { PolicyInput } from './index.ts';

export const defaultPolicy: PolicyInput = {
  id: 'default',
  title: 'Default',
  defaults: { size: '1024x1024', format: 'png', background: 'auto', n: 1, textAccuracy: 'auto', onLate: 'degrade' },
  tiers: [
    { upToMs: 15_000, none: 'preview', some: 'preview', exact: 'preview' },
    // High at 1024x1024 has a median of 195 s: below four minutes it would miss more often than a caller can bear.
    { upToMs: 240_000, none: 'standard', some: 'standard', exact: 'standard' },
    { none: 'standard', some: 'standard', exact: 'premium' },
  ],
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
