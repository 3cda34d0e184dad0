// A process that makes jobs and listens nowhere: more of them make more. It shares keys, spend and the queue with every gateway
// on the same database or data folder.

import type { Observer } from '../../gateway/observe/observer.ts';
import { openInParts } from './closing.ts';
import type { LiveRouter } from './live-router.ts';
import { type CorePlan, openCore } from './open-core.ts';

export type OpenWorker = {
  readonly live: LiveRouter;
  readonly observer: Observer;
  /** Takes no new jobs and waits for those that run, so long as the settings say; the rest is handed back. */
  drain(): Promise<void>;
  close(): Promise<void>;
};

export function openWorker(plan: Omit<CorePlan, 'requireKeys'>): Promise<OpenWorker> {
  return openInParts(async (whenClosing) => {
    const { live, observer, jobs } = await openCore({ ...plan, requireKeys: false }, () => undefined, whenClosing);
    await live.router().ready();
    jobs.start();
    return { live, observer, drain: () => jobs.drain(live.settings().drainMs) };
  });
}
