// Collects a file that arrives in pieces. Large pieces are kept as they are; small ones are copied together, because a
// sender may cut 64 MB into single bytes, and each piece kept by itself would cost a hundred times its length.

export interface ByteCollector {
  readonly length: number;
  add(piece: Uint8Array): void;
  /** Everything so far in one piece. The collector is empty afterwards. */
  join(): Uint8Array;
}

/** What sockets deliver at a time; a piece of a quarter of it is worth keeping whole. */
const BLOCK_BYTES = 65_536;
const KEPT_FROM_BYTES = BLOCK_BYTES / 4;

export function byteCollector(): ByteCollector {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let block: Buffer | undefined;
  let used = 0;
  const closeBlock = (): void => {
    if (block !== undefined && used > 0) pieces.push(block.subarray(0, used));
    block = undefined;
    used = 0;
  };
  return {
    get length() {
      return length;
    },
    add: (piece) => {
      length += piece.byteLength;
      if (piece.byteLength >= KEPT_FROM_BYTES) {
        closeBlock();
        pieces.push(piece);
        return;
      }
      if (block !== undefined && used + piece.byteLength > block.length) closeBlock();
      block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
      block.set(piece, used);
      used += piece.byteLength;
    },
    join: () => {
      closeBlock();
      const [only] = pieces;
      const whole = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, length);
      pieces = [];
      length = 0;
      return whole;
    },
  };
}
