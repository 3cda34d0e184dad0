import { expect, it, onTestFinished } from 'vitest';
import { createLiveRouter } from '../../src/cli/serve/live-router.ts';
import type { TargetId } from '../../src/domain/route.ts';
import { DEFAULT_SETTINGS } from '../../src/gateway/config/settings.ts';
import { resolveOptions } from '../../src/options.ts';
import { systemClock } from '../../src/system/clock.ts';
import { IGNORE_EVENTS } from '../../src/telemetry/event.ts';
import type { HealthNotice } from '../../src/telemetry/health-news.ts';
import { ENDPOINTS } from '../support/router-world.ts';

it('every router in use heeds what other processes found, also one that takes the place of another, and none does that is gone', async () => {
  const listeners = new Set<(notice: HealthNotice) => void>();
  const news = {
    publish: (): void => undefined,
    subscribe: (listener: (notice: HealthNotice) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const options = resolveOptions({ endpoints: ENDPOINTS });
  const live = createLiveRouter({ options, gateway: DEFAULT_SETTINGS }, systemClock(1), IGNORE_EVENTS, news);
  onTestFinished(() => live.close());
  const target = 'gpt-image-2-low@openai' as TargetId;
  const isOpen = (): boolean =>
    live
      .router()
      .health()
      .some((row) => row.target === target && row.admission.kind === 'open');
  const tellAll = (): void => {
    for (const listener of listeners) listener({ target, operation: 'generate', state: 'open', reason: 'no answer', waitMs: 60_000 });
  };
  tellAll();
  expect(isOpen()).toBe(true);
  live.replace({ options: { ...options, maxWaitingPerRoute: 3 }, gateway: DEFAULT_SETTINGS });
  expect(isOpen()).toBe(false);
  tellAll();
  expect(isOpen()).toBe(true);
  await live.close();
  expect(listeners.size).toBe(0);
});
