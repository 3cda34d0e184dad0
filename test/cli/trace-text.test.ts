import { describe, expect, it } from 'vitest';
import { describeEvent } from '../../src/cli/trace-text.ts';
import { microUsd, ZERO_USD } from '../../src/domain/money.ts';
import { type TargetId, targetId } from '../../src/domain/route.ts';
import type { TraceEvent } from '../../src/domain/trace.ts';
import { EndpointIdSchema, type RouteId, RouteIdSchema } from '../../src/domain/vocabulary.ts';

const route: RouteId = RouteIdSchema.parse('gpt-image-2-low');
const target: TargetId = targetId(route, EndpointIdSchema.parse('openai'));
type Start = Extract<TraceEvent, { kind: 'attempt-start' }>;
const start = (role: Start['role'], part?: Start['part']): TraceEvent => ({
  kind: 'attempt-start',
  atMs: 0,
  ...(part === undefined ? {} : { part }),
  attempt: 1,
  target,
  route,
  role,
  hedge: undefined,
  price: { expected: microUsd(0.01), ceiling: microUsd(0.01) },
  timeoutMs: 1,
  cause: 'the reason',
});

describe('progress', () => {
  it.each([
    [start('first'), 'sent to gpt-image-2-low@openai'],
    [start('first', 'preview'), 'preview: sent to gpt-image-2-low@openai'],
    [start('first', 2), 'image 2: sent to gpt-image-2-low@openai'],
    [start('fallback'), 'fallback to gpt-image-2-low@openai: the reason'],
    [start('retry'), 'sent to gpt-image-2-low@openai again: the reason'],
    [start('hedge'), 'hedge, a second call to gpt-image-2-low@openai: the reason'],
    [
      { kind: 'image-held', atMs: 0, attempt: 1, cause: 'a better one may come' },
      'image of attempt 1 is below the need and held: a better one may come',
    ],
    [{ kind: 'end', atMs: 0, end: 'delivered', attempt: 1, cause: '', billed: ZERO_USD, possiblyBilled: ZERO_USD }, undefined],
  ] satisfies readonly (readonly [TraceEvent, string | undefined])[])('a step reads well: %#', (event, line) => {
    expect(describeEvent(event)).toBe(line);
  });
});
