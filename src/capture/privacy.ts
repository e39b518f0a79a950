import type { Mask } from './mask.ts';

/**
 * What is recorded of a task. `full`: its texts too. `metadata`: ids, times, model, tokens, status, route,
 * finish reason, outcome and names of tools, but nothing that anybody said.
 */
export type Capture = 'full' | 'metadata';

/** What may leave of a task. */
export interface Privacy {
  /** Applied in order. */
  readonly masks: readonly Mask[];
  readonly capture: Capture;
}

/** Both: all masks, and the smaller capture. Nobody can undo what an outer setting withholds. */
export function stricter(outer: Privacy, inner: Privacy | undefined): Privacy {
  if (inner === undefined || inner === outer) return outer;
  const added = inner.masks.filter((mask) => !outer.masks.includes(mask));
  const isFull = outer.capture === 'full' && inner.capture === 'full';
  return { masks: [...outer.masks, ...added], capture: isFull ? 'full' : 'metadata' };
}
