/** Bytes of a block: of a stream that is read while it goes on, some dozens of events. */
export const BLOCK_BYTES = 4_096;
/** Empty blocks kept for later however few are in use: 1 MiB; and however many: 16 MiB. */
const MIN_SPARE = 256;
const MAX_SPARE = 4_096;

const spare: Buffer[] = [];
let inUse = 0;

/**
 * Memory outside of V8's heap, all of one size and shared by whoever has bytes to keep: what a stream gives back at
 * its end holds its record next, instead of waiting for a full collection. As many are kept empty as are in use, as
 * hundreds of streams empty theirs in the same turn and fill them in the next.
 */
export function takeBlock(): Buffer {
  inUse += 1;
  // Not of the pool that small Buffers share: it is kept for long.
  return spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/** To be called once, by whoever has taken it: it will hold something else. */
export function giveBlock(block: Buffer): void {
  inUse -= 1;
  const kept = Math.min(MAX_SPARE, Math.max(MIN_SPARE, inUse));
  if (spare.length < kept) spare.push(block);
  else spare.length = kept;
}
