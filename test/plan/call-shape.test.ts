import fc from 'fast-check';
import { expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import type { Route } from '../../src/domain/route.ts';
import { callShapeOf } from '../../src/plan/call-shape.ts';
import { needOf } from '../support/worlds.ts';

const changes = fc.record({
  size: fc.constantFrom({ width: 1_024, height: 1_024 }, { width: 1_536, height: 1_024 }, { width: 1_000, height: 333 }),
  n: fc.integer({ min: 1, max: 10 }),
  references: fc.integer({ min: 0, max: 3 }),
  partials: fc.constantFrom(0, 2),
  complexity: fc.constantFrom('simple', 'normal', 'complex'),
  prompt: fc.constantFrom('a fox', 'a fax', 'a long, long fox', '狐', 'a fox 🦊'),
});

it('the shape of a call is the same whoever asked before, and kept for all needs of its kind', () => {
  fc.assert(
    fc.property(fc.constantFrom(...builtInRoutes), changes, (route, changed) => {
      const unknown: Route = { ...route };
      const asked = callShapeOf(route, needOf(changed));
      expect(asked).toEqual(callShapeOf(unknown, needOf(changed)));
      expect(callShapeOf(route, needOf(changed))).toBe(asked);
    }),
  );
});
