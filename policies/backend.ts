// Calls from programs with a latency budget of their own: what was asked for or an early no, no silent loss of
// lettering.
import type { PolicyInput } from './index.ts';

export const backendPolicy: PolicyInput = {
  id: 'backend',
  title: 'Backend call with a latency budget',
  defaults: {
    size: '1024x1024',
    format: 'png',
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    latencyBudgetMs: 90_000,
    onLate: 'degrade',
  },
  tiers: [
    { upToMs: 15_000, none: 'preview', some: 'preview', exact: 'preview' },
    { upToMs: 240_000, none: 'standard', some: 'standard', exact: 'standard' },
    { none: 'standard', some: 'standard', exact: 'premium' },
  ],
  patienceMs: { preview: 30_000, standard: 90_000, premium: 420_000 },
  valueUsd: 0.5,
  keptBelowNeed: 0.4,
  mayDegrade: ['tier', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.2,
  minChance: 0.3,
  priority: 5,
};
