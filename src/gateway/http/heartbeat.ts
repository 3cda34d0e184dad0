// Comments that keep a silent stream open: proxies take a connection on which nothing comes for dead. They count real time.
import type { CancelTimer } from '../../system/clock.ts';
import type { Call } from './call.ts';
import { HEARTBEAT } from './openai/stream-events.ts';
import type { EventOutlet } from './send.ts';

/** Until it is stopped, or the caller has left. */
export function startHeartbeat(call: Call, outlet: EventOutlet): CancelTimer {
  const { clock, settings } = call.gateway;
  let stop: CancelTimer = () => undefined;
  const arm = (): void => {
    if (call.hasEnded) return;
    const beat = (): void => {
      outlet.write(HEARTBEAT);
      arm();
    };
    stop = clock.timer(settings().heartbeatMs * clock.speed, beat, { background: true });
  };
  arm();
  call.whenEnded(() => stop());
  return () => stop();
}
