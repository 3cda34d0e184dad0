// GET /v1/traces/{id}: everything that happened to one request, for its caller to look at for a while. Another key's trace
// is as unknown as one that never was.
import type { Endpoint } from '../endpoint.ts';
import { Refusal } from '../refusal.ts';
import { sendJson } from '../send.ts';
import { snakeCase } from '../snake-case.ts';

export const traces: Endpoint = {
  method: 'GET',
  path: '/v1/traces/:id',
  scope: 'read',
  summary: 'See what happened to a request, step by step; money is in micro-dollars',
  handle: async (call) => {
    const kept = await call.gateway.traces.find(call.principal, call.keptId);
    if (kept === undefined) throw unknownTrace();
    const { trace, at } = kept;
    return sendJson(call, 200, { object: 'trace', id: trace.requestId, at, events: snakeCase(trace.events) });
  },
};

function unknownTrace(): Refusal {
  return new Refusal({
    status: 404,
    code: 'trace_not_found',
    message: 'There is no such trace, or no longer, or it belongs to another key.',
    param: 'id',
    remedy: 'use image_router.id of a reply, or trace_id of an error; traces are kept for a while only',
  });
}
