// /v1/images/batches: thousands of sketches from one file, a bounded number at a time, inside one cap.
import type { Batch } from '../../../domain/batch.ts';
import { acceptBatch } from '../batches/accept-batch.ts';
import { batchObject } from '../batches/batch-object.ts';
import type { BatchParts } from '../batches/batch-parts.ts';
import { sendResults } from '../batches/batch-results.ts';
import type { Call } from '../call.ts';
import type { Endpoint } from '../endpoint.ts';
import { pageObject, readCursor, readLimit, readQuery } from '../list-query.ts';
import { Refusal } from '../refusal.ts';
import { sendJson } from '../send.ts';
import type { EditSettings } from './edits.ts';

const PATH = '/v1/images/batches';

export function batchEndpoints(parts: BatchParts, settings: () => EditSettings): readonly Endpoint[] {
  return [
    {
      method: 'POST',
      path: PATH,
      scope: 'images',
      summary: 'Hand in a batch: up to 10 000 generations as JSON lines, at preview or standard tier',
      handle: (call) => acceptBatch(call, parts, settings()),
    },
    {
      method: 'GET',
      path: PATH,
      scope: 'images',
      summary: 'List your batches, newest first',
      handle: (call) => listBatches(call, parts),
    },
    {
      method: 'GET',
      path: `${PATH}/:id`,
      scope: 'images',
      summary: 'Look at a batch: how many rows are where, and what they cost',
      handle: async (call) => sendJson(call, 200, await batchObject(call, parts, await batchOf(call, parts))),
    },
    {
      method: 'GET',
      path: `${PATH}/:id/results`,
      scope: 'images',
      summary: 'Get what has ended of a batch, as JSON lines in the order of its rows',
      handle: async (call) => sendResults(call, parts, await batchOf(call, parts)),
    },
    {
      method: 'POST',
      path: `${PATH}/:id/cancel`,
      scope: 'images',
      summary: 'Cancel what is left of a batch',
      handle: async (call) => {
        const batch = await parts.batches.cancel(call.principal.id, call.keptId);
        if (batch === undefined) throw unknownBatch();
        parts.feeder.soon();
        return sendJson(call, 200, await batchObject(call, parts, batch));
      },
    },
  ];
}

async function listBatches(call: Call, parts: BatchParts): Promise<Response> {
  const asked = readQuery(call, ['limit', 'after']);
  const limit = readLimit(asked.limit);
  const rows = await parts.batches.list({ principal: call.principal.id, after: readCursor(asked.after), limit: limit + 1 });
  const objects = new Map(await Promise.all(rows.map(async (batch) => [batch.id, await batchObject(call, parts, batch)] as const)));
  return sendJson(
    call,
    200,
    pageObject(rows, limit, ({ id }) => objects.get(id) ?? {}),
  );
}

async function batchOf(call: Call, { batches }: BatchParts): Promise<Batch> {
  const batch = await batches.find(call.principal.id, call.keptId);
  if (batch === undefined) throw unknownBatch();
  return batch;
}

function unknownBatch(): Refusal {
  return new Refusal({
    status: 404,
    code: 'batch_not_found',
    message: 'There is no such batch, or no longer, or it belongs to another key.',
    param: 'id',
    remedy: 'GET /v1/images/batches lists those there are',
  });
}
