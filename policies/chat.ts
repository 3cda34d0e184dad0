// A person waits in a conversation. Never the high setting: low or nano-banana-pro within seconds, medium when
// lettering asks for it and time allows.
import type { PolicyInput } from './index.ts';

export const chatPolicy: PolicyInput = {
  id: 'chat',
  title: 'Chatbot, a person is waiting',
  defaults: {
    size: '1024x1024',
    format: 'webp',
    compression: 85,
    background: 'auto',
    n: 1,
    textAccuracy: 'auto',
    latencyBudgetMs: 12_000,
    onLate: 'degrade',
  },
  tiers: [
    { upToMs: 20_000, none: 'preview', some: 'preview', exact: 'preview' },
    { none: 'preview', some: 'standard', exact: 'standard' },
  ],
  neverTiers: ['premium'],
  patienceMs: { preview: 12_000, standard: 60_000, premium: 60_000 },
  // Above the price of one nano-banana-pro call: in an outage the other vendor's preview is still worth having.
  valueUsd: 0.3,
  keptBelowNeed: 0.5,
  mayDegrade: ['tier', 'text', 'geometry'],
  fallbackOnRefusal: false,
  precheck: false,
  hedgeBudgetUsd: 0.17,
  minChance: 0.2,
  priority: 8,
};
