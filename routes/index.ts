// The built-in catalogue of routes: what can make an image. One file per provider, data only.
import type { z } from 'zod';
import { parseCatalog } from '../src/domain/catalog.ts';
import { type Route, RouteSchema } from '../src/domain/route.ts';
import { googleRoutes } from './google.ts';
import { openaiRoutes } from './openai.ts';

/** A route as it is written in a file or a configuration. */
export type RouteInput = z.input<typeof RouteSchema>;

export const builtInRoutes: readonly Route[] = parseCatalog(RouteSchema, 'routes', [...openaiRoutes, ...googleRoutes]);
