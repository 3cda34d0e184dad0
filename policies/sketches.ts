// Batch sketches and mood boards: low, square, jpeg 75, as cheap as it goes. The price cap keeps a sketch from ever
// costing 22 times as much.
import type { PolicyInput } from './index.ts';

export const sketchesPolicy: PolicyInput = {
  id: 'sketches',
  title: 'Batch sketches, mood boards',
  defaults: {
    size: '1024x1024',
    format: 'jpeg',
    compression: 75,
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    tier: 'preview',
    latencyBudgetMs: 60_000,
    // Room for one call and one fallback at low, none for another vendor.
    maxCostUsd: 0.03,
    onLate: 'degrade',
  },
  tiers: [{ none: 'preview', some: 'preview', exact: 'preview' }],
  patienceMs: { preview: 30_000, standard: 120_000, premium: 420_000 },
  valueUsd: 0.05,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'text', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0,
  minChance: 0.2,
  priority: 1,
};
