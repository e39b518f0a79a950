import type { SpanIds, TracedSpan } from '../capture/tracing.ts';
import type { LogEvent, Step } from '../types.ts';
import {
  type Attributes,
  type Context,
  type ContextManager,
  KIND_CLIENT,
  KIND_INTERNAL,
  SPAN,
  type Span,
  STATUS_ERROR,
  type Tracer,
} from './api.ts';
import { modelCallName, stepAttributes, taskAttributes } from './attributes.ts';

/** What every span of ours needs. */
export interface Setup {
  readonly tracer: Tracer;
  readonly contexts: ContextManager;
  /** An app's tracing is code of others: what it throws is said once, and costs the span alone. */
  fault(error: unknown): void;
}

/** A task's or step's span, or the place where one may begin: that of a request which may be no task at all. */
export class TaskSpan implements TracedSpan {
  readonly #setup: Setup;
  readonly #outer: Context;
  readonly #openedAt: number = Date.now();
  /** Undefined: spans of the app's do not become its children, since it may never be one. */
  #inner: Context | undefined;
  #span: Span | undefined;

  constructor(setup: Setup, outer: Context, name: string | undefined, isModelCall: boolean) {
    this.#setup = setup;
    this.#outer = outer;
    if (name === undefined) return;
    this.#span = this.#start(name, isModelCall);
    this.#inner = this.#span && outer.setValue(SPAN, this.#span);
  }

  run<R>(work: () => R): R {
    return this.#inner === undefined ? work() : this.#setup.contexts.with(this.#inner, work);
  }

  begin(name: string, isModelCall: boolean): TracedSpan | undefined {
    return this.#guarded(() => new TaskSpan(this.#setup, this.#parentOfStep(), name, isModelCall));
  }

  ids(): SpanIds | undefined {
    return this.#guarded(() => {
      const { traceId, spanId } = this.#started().spanContext();
      return { trace_id: traceId, span_id: spanId };
    });
  }

  endTask(event: LogEvent, durationMs: number): void {
    this.#guarded(() => {
      const attributes = taskAttributes(event);
      const span = this.#started();
      const { name, method, route } = event.metadata ?? {};
      // A call, which spans may be within, has been given its name when it began.
      const late = name ?? route ?? modelCallName(attributes) ?? method;
      if (this.#inner === undefined && typeof late === 'string') span.updateName(late);
      end(span, attributes, event.metadata?.outcome === 'error', this.#openedAt + durationMs);
    });
  }

  endStep(step: Step, event: LogEvent): void {
    this.#guarded(() => {
      const span = this.#started();
      end(
        span,
        stepAttributes(step, event),
        step.outcome === 'error',
        this.#openedAt + step.duration_ms,
      );
    });
  }

  /** The active span is the parent, unless nothing of the app's has begun one since the request came. */
  #parentOfStep(): Context {
    const active = this.#setup.contexts.active();
    if (this.#inner !== undefined) return active;
    const isUnchanged = active.getValue(SPAN) === this.#outer.getValue(SPAN);
    return isUnchanged ? active.setValue(SPAN, this.#started()) : active;
  }

  #started(): Span {
    this.#span ??= this.#start('task', false);
    return this.#span;
  }

  #start(name: string, isModelCall: boolean): Span {
    const kind = isModelCall ? KIND_CLIENT : KIND_INTERNAL;
    return this.#setup.tracer.startSpan(name, { kind, startTime: this.#openedAt }, this.#outer);
  }

  #guarded<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#setup.fault(error);
      return undefined;
    }
  }
}

function end(span: Span, attributes: Attributes, isError: boolean, endedAt: number): void {
  span.setAttributes(attributes);
  if (isError) span.setStatus({ code: STATUS_ERROR });
  span.end(endedAt);
}
