// What lives as long as the gateway does, beside the parts it was built from: the work that runs, and the bytes it holds.
import { createHeldBytes, type HeldBytes } from './held-bytes.ts';
import { createOpenWork, type OpenWork } from './open-work.ts';
import type { GatewayParts } from './parts.ts';

export type Gateway = GatewayParts & {
  readonly work: OpenWork;
  readonly held: HeldBytes;
  /** Hears once when a drain begins; returns how to stop listening. For what would only hold it up and can go on elsewhere. */
  whenDraining(listener: () => void): () => void;
};

/** `whenDraining`: see Gateway. */
export function createGateway(parts: GatewayParts, whenDraining: Gateway['whenDraining']): Gateway {
  return {
    ...parts,
    whenDraining,
    work: createOpenWork(parts.clock, () => parts.settings().limits.waitingRequests),
    held: createHeldBytes(() => parts.settings().limits.heldBytes),
  };
}
