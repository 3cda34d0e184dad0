// AI assistants in real time: low, square, webp 85, 5 to 10 s.
import type { PolicyInput } from './index.ts';

export const assistantPolicy: PolicyInput = {
  id: 'assistant',
  title: 'AI assistant, real time',
  defaults: {
    size: '1024x1024',
    format: 'webp',
    compression: 85,
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    tier: 'preview',
    latencyBudgetMs: 10_000,
    onLate: 'degrade',
  },
  tiers: [{ none: 'preview', some: 'preview', exact: 'preview' }],
  neverTiers: ['premium'],
  patienceMs: { preview: 30_000, standard: 120_000, premium: 420_000 },
  valueUsd: 0.3,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'text', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.17,
  minChance: 0.2,
  priority: 8,
};
