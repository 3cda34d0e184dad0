// What there is to say of the endpoints of batches, and of deleting what is kept.
import { BATCH_FIELDS, BatchSettingsSchema } from '../http/batches/accept-batch.ts';
import { JSON_TYPE, type OperationNotes } from './operation-notes.ts';

const JSONL_TYPE = 'application/jsonl';
const OF_BATCH = ['any', 'keyed', 'batches'] as const;

const query = Object.fromEntries(
  BATCH_FIELDS.map((name) => [name, Object.entries(BatchSettingsSchema.shape).find(([field]) => field === name)?.[1].description ?? '']),
);

export const BATCH_OPERATIONS: Readonly<Record<string, OperationNotes>> = {
  'POST /v1/images/batches': {
    about:
      'Each line is a generation, with a custom_id if wanted; lines of OpenAI’s batch files are taken, too. Premium rows and pictures are not. Every row is checked before any is accepted: a bad file is refused whole, its first twenty mistakes told by line. Each row may cost what one plan of it costs at worst; with max_cost_usd all of them get the same share of that.',
    body: { [JSONL_TYPE]: 'BatchRow', 'multipart/form-data': 'BatchForm' },
    query,
    answer: {},
    accepted: 'Batch',
    errors: ['any', 'keyed', 'body', 'images', 'batches', 'continuing'],
    isIdempotent: true,
    example: `/v1/images/batches?concurrency=2 -H "content-type: ${JSONL_TYPE}" -d '{"prompt":"a red fox","model":"preview"}'`,
  },
  'GET /v1/images/batches': {
    about: 'Pages: next of one page is after of the next.',
    query: { limit: 'Batches a page, 1 to 100. Default 20.', after: 'next of the page before.' },
    answer: { [JSON_TYPE]: 'BatchList' },
    errors: ['any', 'keyed', 'body'],
    example: '/v1/images/batches',
  },
  'GET /v1/images/batches/:id': {
    about: 'Its rows are jobs as well: GET /v1/images/jobs?batch= lists those begun.',
    answer: { [JSON_TYPE]: 'Batch' },
    errors: OF_BATCH,
    example: '/v1/images/batches/BATCH',
  },
  'GET /v1/images/batches/:id/results': {
    about: 'Rows that have not ended are left out: ask again later for the rest.',
    answer: { [JSONL_TYPE]: 'BatchResult' },
    errors: OF_BATCH,
    example: '/v1/images/batches/BATCH/results',
  },
  'POST /v1/images/batches/:id/cancel': {
    about: 'No more rows are begun, those that run are asked to stop, and what is done stays.',
    answer: { [JSON_TYPE]: 'Batch' },
    errors: OF_BATCH,
    example: '/v1/images/batches/BATCH/cancel -X POST',
  },
  'DELETE /v1/data': {
    about: 'Jobs that wait or run are given up. The key and what it has spent stay. There is no way back.',
    answer: { [JSON_TYPE]: 'Deletion' },
    errors: ['any', 'keyed'],
    example: '/v1/data -X DELETE',
  },
};
