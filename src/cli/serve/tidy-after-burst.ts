// Gives memory back once a burst of requests has been taken in and only waits. Rare by construction: there must be many more
// waiting than the last time, and none may be coming or going.
import type { GatewayLoad } from '../../gateway/http/app.ts';
import type { CancelTimer, Clock } from '../../system/clock.ts';

/** What they leave behind is worth it: some 20 KB each. */
const BURST = 1_000;
/** Real milliseconds without anybody coming or going. */
const CALM_MS = 1_000;

export function tidyAfterBursts(clock: Clock, load: () => GatewayLoad, giveMemoryBack: () => Promise<void>): { stop(): void } {
  let tidiedAt = 0;
  let before = 0;
  let timer: CancelTimer | undefined;
  const look = (): void => {
    const { running } = load();
    tidiedAt = Math.min(tidiedAt, running);
    if (running === before && running - tidiedAt >= BURST) {
      tidiedAt = running;
      void giveMemoryBack();
    }
    before = running;
    arm();
  };
  const arm = (): void => {
    timer = clock.timer(CALM_MS * clock.speed, look, { background: true });
  };
  arm();
  return { stop: () => timer?.() };
}
