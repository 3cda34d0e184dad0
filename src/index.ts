// The public surface of image-router. Importing it starts nothing.
import { compose, type Doors } from './compose.ts';
import { type RouterOptions, resolveOptions } from './options.ts';
import type { ImageRouter } from './router/image-router.ts';

/**
 * Creates a router. It costs nothing until used: no timer, no socket, no look at the environment.
 * Throws ImageRouterError `invalid_config` when the options are wrong, naming every problem.
 */
export function createImageRouter(options: RouterOptions, doors: Doors = {}): ImageRouter {
  return compose(resolveOptions(options), doors);
}

export { builtInPolicies, type PolicyInput } from '../policies/index.ts';
export { builtInRoutes, type RouteInput } from '../routes/index.ts';
export { readPrompt } from './classify/read-prompt.ts';
export type { Doors } from './compose.ts';
export { ERROR_CODES, type ErrorCode, ImageRouterError, isImageRouterError, type Problem } from './domain/error.ts';
export type { Failure } from './domain/failure.ts';
export type { Image } from './domain/image.ts';
export { dollars, formatUsd, type MicroUsd } from './domain/money.ts';
export type { Evidence, Need, Warning } from './domain/need.ts';
export type { Exclusion, Forecast, Infeasible, Offer, Plan, PlannedAttempt } from './domain/plan.ts';
export type { Policy } from './domain/policy.ts';
export type { ImageRequest } from './domain/request.ts';
export type { Cost, ImageResult } from './domain/result.ts';
export type { Route } from './domain/route.ts';
export type { Trace, TraceEvent } from './domain/trace.ts';
export type { Complexity, OnLate, Quality, TextAccuracy, Tier } from './domain/vocabulary.ts';
export type { BeforeCall, UpcomingCall } from './execute/drive.ts';
export type { RouterOptions } from './options.ts';
export type { ExplainOptions, Explanation, GenerateOptions, ImageRouter, TargetHealth } from './router/image-router.ts';
export { type Clock, systemClock } from './system/clock.ts';
export type { Listener, RouterEvent } from './telemetry/event.ts';
