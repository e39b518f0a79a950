import type { Histogram } from './histogram.ts';

/**
 * What is counted apart. Tasks without such a name count under ''. `arrived` is when they were stored, where the
 * others are by the tasks' own times; it is never taken back.
 */
export type Dimension = 'all' | 'arrived' | 'model' | 'route' | 'version';

export interface Sums {
  tasks: number;
  success: number;
  failure: number;
  errors: number;
  prompt_tokens: number;
  completion_tokens: number;
  /** Of the tasks' texts: see `bytesOf`. */
  bytes: number;
  latencies: Histogram;
}

export const SUMMED = [
  'tasks',
  'success',
  'failure',
  'errors',
  'prompt_tokens',
  'completion_tokens',
  'bytes',
] as const;

export function noSums(): Sums {
  return {
    tasks: 0,
    success: 0,
    failure: 0,
    errors: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    bytes: 0,
    latencies: new Map(),
  };
}

/** Those that lines have: what an earlier migration writes lacks what a later one adds. */
export function columnsOf(lines: readonly object[]): (typeof SUMMED)[number][] {
  return SUMMED.filter((column) => Object.hasOwn(lines[0] ?? {}, column));
}
