// Counts the bytes of pictures the gateway holds for somebody: made and not yet taken by their callers, or received to work
// from. It is the bound on memory that does not depend on how slowly clients read; beyond it new work is turned away, never
// work that was taken on.

export interface HeldBytes {
  readonly bytes: number;
  readonly isFull: boolean;
  /** Counts `bytes` unless that would go beyond the limit; `release` them later. */
  reserve(bytes: number): boolean;
  /** Counts `bytes` whatever the limit says: a picture that was paid for is delivered. Returns how to let go of them, once. */
  hold(bytes: number): () => void;
  release(bytes: number): void;
}

export function createHeldBytes(limit: () => number): HeldBytes {
  let held = 0;
  const release = (bytes: number): void => {
    held -= bytes;
  };
  return {
    get bytes() {
      return held;
    },
    get isFull() {
      return held >= limit();
    },
    reserve: (bytes) => {
      if (held + bytes > limit()) return false;
      held += bytes;
      return true;
    },
    hold: (bytes) => {
      held += bytes;
      let isHeld = true;
      return () => {
        if (isHeld) release(bytes);
        isHeld = false;
      };
    },
    release,
  };
}
