// The closed word lists of the domain, in one place so that schemas, types and tables cannot drift apart.
import { z } from 'zod';

/** Cheapest and fastest first: the order is the rank. */
export const TIERS = ['preview', 'standard', 'premium'] as const;
export type Tier = (typeof TIERS)[number];

/** How faithfully lettering must be drawn: none asked for; a few words; sentences or documents, letter for letter. */
export const TEXT_ACCURACIES = ['none', 'some', 'exact'] as const;
export type TextAccuracy = (typeof TEXT_ACCURACIES)[number];

export const COMPLEXITIES = ['simple', 'normal', 'complex'] as const;
export type Complexity = (typeof COMPLEXITIES)[number];

export const QUALITIES = ['low', 'medium', 'high'] as const;
export type Quality = (typeof QUALITIES)[number];

export const IMAGE_FORMATS = ['png', 'jpeg', 'webp'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

export const BACKGROUNDS = ['auto', 'opaque', 'transparent'] as const;
export type Background = (typeof BACKGROUNDS)[number];

export const OPERATIONS = ['generate', 'edit'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Which public numbers a latency prior starts from: the brief's, or the slower ones reported from the field. */
export const LATENCY_PROFILES = ['brief', 'field'] as const;
export type LatencyProfile = (typeof LATENCY_PROFILES)[number];

/** When no route that meets the need can end in time: deliver less, or fail at once. */
export const ON_LATE = ['degrade', 'fail'] as const;
export type OnLate = (typeof ON_LATE)[number];

/** What may be given up to stay inside the limits. */
export const DEGRADABLE = ['tier', 'text', 'geometry'] as const;
export type Degradable = (typeof DEGRADABLE)[number];

export const PROVIDER_KINDS = ['openai', 'google'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

const id = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'must be lower-case letters, digits, dots and dashes');
export const RouteIdSchema = id.brand<'RouteId'>();
export type RouteId = z.infer<typeof RouteIdSchema>;
export const PolicyIdSchema = id.brand<'PolicyId'>();
export const EndpointIdSchema = id.brand<'EndpointId'>();
export type EndpointId = z.infer<typeof EndpointIdSchema>;

export function tierRank(tier: Tier): number {
  return TIERS.indexOf(tier);
}

export function textRank(text: TextAccuracy): number {
  return TEXT_ACCURACIES.indexOf(text);
}
