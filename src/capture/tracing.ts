import type { LogEvent, Step } from '../types.ts';
import type { OpenStep } from './step.ts';
import type { OpenTask } from './task.ts';

/**
 * The span, in the app's own tracing system, that a task or a step is. None of its methods throws, save what
 * `work` throws.
 */
export interface TracedSpan {
  /** Runs what belongs to it, so that spans of the app's become its children. */
  run<R>(work: () => R): R;
  /** Begins the span of a step within. */
  begin(name: string, isModelCall: boolean): TracedSpan | undefined;
  /** Where it is to be found. */
  ids(): SpanIds | undefined;
  endTask(event: LogEvent, durationMs: number): void;
  endStep(step: Step, event: LogEvent): void;
}

export interface SpanIds {
  trace_id: string;
  span_id: string;
}

/** Begins spans; undefined where the app traces nothing. */
export interface Tracing {
  /** `name` undefined: of a task that may turn out to be none, and that is no span until it is known. */
  open(name: string | undefined, isModelCall: boolean): TracedSpan | undefined;
}

/** Ends the spans of a task and of its steps, with what may leave of them. */
export function endSpans(task: OpenTask, event: LogEvent, durationMs: number): void {
  if (task.span === undefined) return;
  endSteps(task.steps, event.steps ?? [], event);
  task.span.endTask(event, durationMs);
}

/** Those of a task of which no text may leave, or nothing was built. */
export function endSpansBarely(task: OpenTask, durationMs: number): void {
  if (task.span === undefined) return;
  const event = { task_id: task.id, input: '', client_created_at: 0 };
  endSteps(
    task.steps,
    task.steps.map((step) => step.bareWire()),
    event,
  );
  task.span.endTask(event, durationMs);
}

function endSteps(open: readonly OpenStep[], wire: readonly Step[], event: LogEvent): void {
  open.forEach((step, index) => {
    const told = wire[index];
    if (told === undefined) return;
    endSteps(step.steps, told.steps ?? [], event);
    step.span?.endStep(told, event);
  });
}
