/*
 * What of OpenTelemetry's API 1.x we use, as the app's copy of it leaves it on the global object: by contract, so
 * that packages with other copies find it (https://github.com/open-telemetry/opentelemetry-js, its
 * `internal/global-utils`). So that nothing is to be imported, and nothing is found where nothing is set up.
 */

export interface SpanContext {
  traceId: string;
  spanId: string;
}

export interface Span {
  spanContext(): SpanContext;
  isRecording(): boolean;
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { code: number }): unknown;
  updateName(name: string): unknown;
  /** UNIX milliseconds. */
  end(time?: number): void;
}

export type Attributes = { [name: string]: string | number | boolean | string[] };

export interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
}

export interface ContextManager {
  active(): Context;
  with<R>(context: Context, work: () => R): R;
}

export interface Tracer {
  startSpan(name: string, options: { kind: number; startTime: number }, context: Context): Span;
}

interface Api {
  trace?: { getTracer(name: string, version: string): Tracer };
  context?: ContextManager;
}

const API = Symbol.for('opentelemetry.js.api.1');
/** The key under which a context holds the active span. */
export const SPAN: symbol = Symbol.for('OpenTelemetry Context Key SPAN');

export const KIND_INTERNAL = 0;
export const KIND_CLIENT = 2;
export const STATUS_ERROR = 2;

/** Undefined where the app has set up no tracing. */
export function registeredApi(): Required<Api> | undefined {
  const { trace, context } = (Reflect.get(globalThis, API) as Api | undefined) ?? {};
  if (typeof trace?.getTracer !== 'function' || typeof context?.with !== 'function') {
    return undefined;
  }
  return { trace, context };
}
