import type { Step } from '../../../types.ts';
import type { NewTask } from './tasks.ts';

/** A span of a trace, as JSON. */
export interface NewSpan {
  traceId: string;
  spanId: string;
  text: string;
}

export interface AddedSpans {
  stored: number;
  /** They were there already. */
  duplicate: number;
  /** Their traces are full. */
  rejected: number;
}

/** A trace whose turn it is. */
export interface DueTrace {
  projectId: string;
  traceId: string;
}

/** What the spans of a trace amount to. */
export interface TracePlan {
  tasks: NewTask[];
  /** Steps for tasks that came by another way; they are added once such a task is there. */
  additions: { taskId: string; steps: Step[] }[];
}

/**
 * Makes a plan of a trace's spans; or says that it is too early, in milliseconds from now. Undefined: nothing is to be
 * done until further spans come.
 */
export type Fold = (
  traceId: string,
  spans: readonly string[],
  trace: { waitedMs: number; hasTasks: boolean },
) => TracePlan | { waitMs: number } | undefined;

/** Spans from their arrival until their trace is over. Times are UNIX milliseconds. */
export interface SpanStore {
  /** Keeps spans, and has their traces folded a moment later. All or none, but for those that are too many. */
  add(projectId: string, spans: readonly NewSpan[], now: number): Promise<AddedSpans>;
  /** Traces to be folded, the longest due first. */
  due(now: number, limit: number): Promise<DueTrace[]>;
  /** When the next trace is due, if any. */
  nextDue(): Promise<number | undefined>;
  /**
   * Brings the tasks of traces up to date with their spans, in one transaction. Those that another process has done
   * meanwhile are passed over.
   *
   * @returns the ids of tasks that are new
   */
  fold(
    projectId: string,
    traceIds: readonly string[],
    now: number,
    fold: Fold,
  ): Promise<ReadonlySet<string>>;
  /** Deletes the spans of traces that nothing has joined for long. @returns how many traces */
  forget(now: number, limit: number): Promise<number>;
}
