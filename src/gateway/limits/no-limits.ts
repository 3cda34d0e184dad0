// A principal that may do everything: where limits are filled in from, and what a caller on this machine has.
import type { KeyLimits } from '../ports.ts';

export const NO_LIMITS: KeyLimits = {
  requestsPerMinute: undefined,
  imagesPerMinute: undefined,
  concurrent: undefined,
  usdPerDay: undefined,
  usdPerMonth: undefined,
  policies: undefined,
  models: undefined,
};
