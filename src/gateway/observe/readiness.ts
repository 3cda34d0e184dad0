// Should a load balancer send image requests here? Yes, unless the gateway drains, its store does not take records, it
// holds or runs as much as it may, or no route admits calls. Anybody may ask, so the reasons name no route, key or account:
// `GET /v1/routes` says more to those who have a key.
import type { TargetHealth } from '../../index.ts';

export type ReadinessInput = {
  readonly isDraining: boolean;
  readonly isStoreHealthy: boolean;
  /** As much is held or running as may be. */
  readonly isFull: boolean;
  readonly targets: readonly Pick<TargetHealth, 'target' | 'admission'>[];
};

export type NotReady = 'draining' | 'store-unhealthy' | 'overloaded' | 'no-route-admitted';

export type Readiness = {
  readonly isReady: boolean;
  /** The answer's body. */
  readonly body: {
    /** `ready`, or the first of the reasons. */
    readonly status: 'ready' | NotReady;
    readonly reasons: readonly { readonly code: NotReady; readonly detail: string }[];
    /** Routes at endpoints that take calls, a breaker's probe included, of all that are configured. */
    readonly routes: { readonly admitted: number; readonly configured: number };
  };
};

const DETAILS: Readonly<Record<NotReady, string>> = {
  draining: 'The gateway is shutting down: what runs is finished, nothing new is taken.',
  'store-unhealthy': 'The store does not take records of keys, spend and idempotency.',
  overloaded: 'As many image requests run, or as many bytes of pictures are held, as may be.',
  'no-route-admitted': 'No route takes calls now.',
};

export function readiness({ isDraining, isStoreHealthy, isFull, targets }: ReadinessInput): Readiness {
  const configured = new Set(targets.map(({ target }) => target)).size;
  const admitted = new Set(targets.flatMap(({ target, admission }) => (admission.kind === 'open' ? [] : [target]))).size;
  const found: readonly (NotReady | false)[] = [
    isDraining && 'draining',
    !isStoreHealthy && 'store-unhealthy',
    isFull && 'overloaded',
    admitted === 0 && 'no-route-admitted',
  ];
  const reasons = found.flatMap((code) => (code === false ? [] : [{ code, detail: DETAILS[code] }]));
  const [first] = reasons;
  return { isReady: first === undefined, body: { status: first?.code ?? 'ready', reasons, routes: { admitted, configured } } };
}
