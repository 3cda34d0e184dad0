// DELETE /v1/data: everything kept of the caller's requests goes, at once and for good: jobs that wait or run are given up, what
// their calls may have cost stays in the books. A key and its spend are not the requests', and stay.
import type { Endpoint } from '../endpoint.ts';
import { sendJson } from '../send.ts';

/** `forgetters`: each deletes one kind of what is kept, in this order. */
export function dataEndpoint(forgetters: readonly ((principal: string) => Promise<void>)[]): Endpoint {
  return {
    method: 'DELETE',
    path: '/v1/data',
    scope: 'images',
    summary: 'Delete everything kept of your requests: jobs, batches, pictures, webhooks, traces, answers',
    handle: async (call) => {
      for (const forget of forgetters) await forget(call.principal.id);
      return sendJson(call, 200, { object: 'data.deletion', deleted: true });
    },
  };
}
