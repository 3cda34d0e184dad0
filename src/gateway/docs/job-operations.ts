// What there is to say of the endpoints of jobs.
import { JOB_STATES } from '../../domain/job.ts';
import { EVENTS, JSON_TYPE, json, type OperationNotes } from './operation-notes.ts';

const PICTURES = { 'image/png': undefined, 'image/jpeg': undefined, 'image/webp': undefined };
const LINK = { expires: 'Of a link.', owner: 'Of a link.', key: 'Of a link.', signature: 'Of a link.' };
const PICTURE_ERRORS = ['any', 'keyed', 'jobs', 'pictures'] as const;
const CONTINUING = ['any', 'keyed', 'body', 'images', 'jobs', 'continuing'] as const;

export const JOB_OPERATIONS: Readonly<Record<string, OperationNotes>> = {
  'POST /v1/images/jobs': {
    about:
      'Takes what a generation takes, or with images what an edit takes, as JSON or as a form. The job is on disk when 202 is answered, and reaches an end whatever becomes of this gateway. latency_budget_ms is how long it may take altogether. With preview: true a quick preview comes first.',
    body: { [JSON_TYPE]: 'JobBody', 'multipart/form-data': 'EditForm' },
    answer: { [JSON_TYPE]: 'Images' },
    accepted: 'Job',
    errors: ['any', 'keyed', 'body', 'images', 'edits', 'models'],
    takesHeaders: true,
    makesImages: true,
    isIdempotent: true,
    takesPrefer: true,
    example: `/v1/images/jobs ${json({ prompt: 'a red fox asleep in fresh snow', model: 'preview' })}`,
  },
  'GET /v1/images/jobs': {
    about: 'Pages: next of one page is after of the next.',
    query: {
      limit: 'Jobs a page, 1 to 100. Default 20.',
      after: 'next of the page before.',
      status: `One or more of ${JOB_STATES.join(', ')}, with commas between.`,
      batch: 'Only rows of this batch.',
      lineage: 'Only jobs that continue this one, itself included.',
    },
    answer: { [JSON_TYPE]: 'JobList' },
    errors: ['any', 'keyed', 'body'],
    example: '/v1/images/jobs?status=completed',
  },
  'GET /v1/images/jobs/:id': {
    about:
      'progress is an estimate from how long such renders took lately. retry-after says when to look again; events and webhooks say it by themselves. Links to pictures need no key and are good for a while; each look makes new ones.',
    answer: { [JSON_TYPE]: 'Job' },
    isLookedAtAgain: true,
    errors: ['any', 'keyed', 'jobs'],
    example: '/v1/images/jobs/JOB',
  },
  'GET /v1/images/jobs/:id/events': {
    about:
      'One event for each change of state and each call, numbered from 1, until the last. Whoever was cut off goes on with Last-Event-ID, which browsers send by themselves, or with after.',
    query: { after: 'Number of the last event seen.' },
    answer: { [EVENTS]: 'JobEvent' },
    errors: ['any', 'keyed', 'body', 'jobs'],
    example: '/v1/images/jobs/JOB/events',
  },
  'GET /v1/images/jobs/:id/content/:index': {
    about: 'The file itself. Takes Range, If-Range and If-None-Match; HEAD tells its length. The links of the job need no key.',
    query: LINK,
    answer: PICTURES,
    isFile: true,
    errors: PICTURE_ERRORS,
    example: '/v1/images/jobs/JOB/content/0',
  },
  'GET /v1/images/jobs/:id/preview/:index': {
    about: 'Likewise, of the previews.',
    query: LINK,
    answer: PICTURES,
    isFile: true,
    errors: PICTURE_ERRORS,
    example: '/v1/images/jobs/JOB/preview/0',
  },
  'POST /v1/images/jobs/:id/cancel': {
    about:
      'A job that waits ends at once. One that runs is asked to stop: calls sent by then may be billed, and it ends when its worker has heard. One that has ended stays as it is.',
    answer: { [JSON_TYPE]: 'Job' },
    errors: ['any', 'keyed', 'jobs'],
    example: '/v1/images/jobs/JOB/cancel -X POST',
  },
  'POST /v1/images/jobs/:id/finalize': {
    about:
      'A new job of the same family: the same prompt, premium, one image. It chooses from the previews, or where there are none from the images. One price cap holds for the family.',
    body: { [JSON_TYPE]: 'FinalizeBody' },
    isBodyOptional: true,
    answer: {},
    accepted: 'Job',
    errors: CONTINUING,
    isIdempotent: true,
    example: `/v1/images/jobs/JOB/finalize ${json({ preview: 0, use_as_reference: true })}`,
  },
  'POST /v1/images/jobs/:id/upgrade': {
    about: 'A new job of the same family: the same request, a tier better than the best of its images. One price cap holds for the family.',
    body: { [JSON_TYPE]: 'UpgradeBody' },
    isBodyOptional: true,
    answer: {},
    accepted: 'Job',
    errors: CONTINUING,
    isIdempotent: true,
    example: '/v1/images/jobs/JOB/upgrade -X POST',
  },
};
