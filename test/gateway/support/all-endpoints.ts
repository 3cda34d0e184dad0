// Every endpoint a gateway serves, built from parts that are never asked: for what is said of endpoints, not for what they do.
import { DEFAULT_SETTINGS } from '../../../src/gateway/config/settings.ts';
import { ENDPOINTS } from '../../../src/gateway/http/app.ts';
import type { Endpoint } from '../../../src/gateway/http/endpoint.ts';
import { batchEndpoints } from '../../../src/gateway/http/endpoints/batches.ts';
import { dataEndpoint } from '../../../src/gateway/http/endpoints/data.ts';
import { editsEndpoint } from '../../../src/gateway/http/endpoints/edits.ts';
import { jobEndpoints } from '../../../src/gateway/http/endpoints/jobs.ts';
import { webhookEndpoints } from '../../../src/gateway/http/endpoints/webhooks.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { MemoryBatches } from './memory-batches.ts';
import { MemoryJobs } from './memory-jobs.ts';
import { NO_WEBHOOKS } from './no-webhooks.ts';
import { OPEN_LINKS } from './open-links.ts';

const jobs = new MemoryJobs(systemClock());
const parts = { jobs, links: OPEN_LINKS, lifeMs: () => 1, batches: new MemoryBatches(), tally: jobs, feeder: { soon: () => undefined } };
const settings = () => DEFAULT_SETTINGS;

/** Without those that describe them. */
export const ALL_ENDPOINTS: readonly Endpoint[] = [
  ...ENDPOINTS,
  editsEndpoint(settings),
  ...jobEndpoints(parts, settings),
  ...batchEndpoints(parts, settings),
  ...webhookEndpoints(NO_WEBHOOKS),
  dataEndpoint([]),
];
