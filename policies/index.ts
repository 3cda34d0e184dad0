// The built-in policies: what callers mean when they say little. One file per policy, data only; the last eight are the
// scenarios of the practitioner's guide the product starts from.
import type { z } from 'zod';
import { parseCatalog } from '../src/domain/catalog.ts';
import { type Policy, PolicySchema } from '../src/domain/policy.ts';
import { assistantPolicy } from './assistant.ts';
import { backendPolicy } from './backend.ts';
import { blogCoverPolicy } from './blog-cover.ts';
import { chatPolicy } from './chat.ts';
import { defaultPolicy } from './default.ts';
import { eCommercePolicy } from './e-commerce.ts';
import { posterPolicy } from './poster.ts';
import { sketchesPolicy } from './sketches.ts';
import { slideCoverPolicy } from './slide-cover.ts';
import { socialPostPolicy } from './social-post.ts';
import { thumbnailPolicy } from './thumbnail.ts';

/** A policy as it is written in a file or a configuration. */
export type PolicyInput = z.input<typeof PolicySchema>;

export const builtInPolicies: readonly Policy[] = parseCatalog(PolicySchema, 'policies', [
  defaultPolicy,
  chatPolicy,
  backendPolicy,
  eCommercePolicy,
  socialPostPolicy,
  blogCoverPolicy,
  posterPolicy,
  slideCoverPolicy,
  thumbnailPolicy,
  sketchesPolicy,
  assistantPolicy,
]);
