// What lives as long as the gateway does, beside the parts it was built from: the work that runs, and the bytes it holds.
import { KeyedTurns } from '../../system/keyed-turns.ts';
import { createTurns, type Turns } from '../../system/turn.ts';
import { createHeldBytes, type HeldBytes } from './held-bytes.ts';
import { createOpenWork, type OpenWork } from './open-work.ts';
import type { GatewayParts } from './parts.ts';

export type Gateway = GatewayParts & {
  readonly work: OpenWork;
  readonly held: HeldBytes;
  /** Hears once when a drain begins; returns how to stop listening. For what would only hold it up and can go on elsewhere. */
  whenDraining(listener: () => void): () => void;
  /** Asked before an image request is begun. */
  readonly turns: Turns;
  /** What is accepted after a crash under an id that is known already, by that id. */
  readonly afterCrash: KeyedTurns;
};

/** Beginning a request takes one to three milliseconds: a few may share a turn. */
const LONGEST_TURN_MS = 10;

/** `whenDraining`: see Gateway. */
export function createGateway(parts: GatewayParts, whenDraining: Gateway['whenDraining']): Gateway {
  return {
    ...parts,
    whenDraining,
    work: createOpenWork(parts.clock, () => parts.settings().limits.waitingRequests),
    held: createHeldBytes(() => parts.settings().limits.heldBytes),
    turns: createTurns(LONGEST_TURN_MS),
    afterCrash: new KeyedTurns(),
  };
}
