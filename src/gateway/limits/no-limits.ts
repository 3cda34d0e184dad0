// No limit of any kind: what a key has that was given none, and a caller on this machine.
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
