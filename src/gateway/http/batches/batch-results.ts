// What became of a batch's rows, as JSON lines in the order of the rows: those that have ended, and no others. Rows are looked up
// a page at a time while the reader reads, so a batch of ten thousand is never held.
import type { Batch, BatchRow } from '../../../domain/batch.ts';
import { hasEnded } from '../../../domain/job.ts';
import { utf8 } from '../answer.ts';
import type { Call } from '../call.ts';
import { jobObject } from '../jobs/job-object.ts';
import { sendPieces } from '../send-pieces.ts';
import type { BatchParts } from './batch-parts.ts';

const ROWS_A_PAGE = 100;

export function sendResults(call: Call, parts: BatchParts, batch: Batch): Response {
  return sendPieces(call, 200, { 'content-type': 'application/jsonl; charset=utf-8' }, pages(call, parts, batch));
}

async function* pages(call: Call, parts: BatchParts, batch: Batch): AsyncGenerator<Uint8Array> {
  for (let after = 0; ; ) {
    const rows = await parts.batches.rows(batch.id, after, ROWS_A_PAGE);
    const last = rows.at(-1);
    if (last === undefined) return;
    const lines = await Promise.all(rows.map((row) => lineOf(call, parts, batch, row)));
    const text = lines.filter((line) => line !== undefined).join('');
    if (text !== '') yield utf8(text);
    // Beyond what has become jobs there are only rows that wait, or never will.
    if (last.row >= batch.fed && batch.state !== 'cancelled') return;
    after = last.row;
  }
}

async function lineOf(call: Call, parts: BatchParts, batch: Batch, { row, customId, job: id }: BatchRow): Promise<string | undefined> {
  const about = { row, custom_id: customId ?? null, job_id: id };
  if (row > batch.fed) {
    if (batch.state !== 'cancelled') return undefined;
    return line({
      ...about,
      status: 'cancelled',
      started_at: null,
      ended_at: null,
      images: [],
      degraded: null,
      error: null,
      cost_usd: { billed: 0, possibly_billed: 0 },
    });
  }
  const job = await parts.jobs.find(batch.principal, id);
  if (job === undefined || !hasEnded(job.state)) return undefined;
  const { status, started_at, ended_at, images, degraded, error, cost_usd: cost } = jobObject(call, parts, job);
  return line({ ...about, status, started_at, ended_at, images, degraded, error, cost_usd: cost });
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
