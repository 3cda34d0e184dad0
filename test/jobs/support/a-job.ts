// A job for tests that need one and do not care which.
import type { Job, StoredImage } from '../../../src/domain/job.ts';
import type { RouteId } from '../../../src/domain/vocabulary.ts';
import { usd } from '../../gateway/support/state-world.ts';

export const PICTURE: StoredImage = {
  blob: '0123456789abcdef0123456789abcdef',
  sha256: 'ab'.repeat(32),
  bytes: 1_600_000,
  format: 'png',
  width: 1024,
  height: 1024,
  route: 'gpt-image-2-high' as RouteId,
  tier: 'premium',
};

export function aJob(changes: Partial<Job> = {}): Job {
  const id = changes.id ?? 'job_00112233445566778899aabbccddeeff';
  return {
    id,
    principal: 'key',
    lineage: id,
    origin: { kind: 'request' },
    request: { prompt: 'a fox' },
    model: 'premium',
    state: 'failed',
    createdAt: 1_795_607_000_000,
    startedAt: 1_795_607_001_000,
    endedAt: 1_795_608_000_000,
    deadlineAt: 1_795_610_000_000,
    expectedMs: 200_000,
    runs: 1,
    isCancelAsked: false,
    cost: { billed: usd(211_000), possiblyBilled: usd(0) },
    maxCost: undefined,
    previews: [],
    images: [],
    degraded: undefined,
    error: undefined,
    traceId: undefined,
    ...changes,
  };
}
