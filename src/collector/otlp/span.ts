/** What an attribute may hold, as plain JSON; bytes are base64. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

export type Attributes = { [key: string]: Value };

export interface SpanEvent {
  name: string;
  /** UNIX milliseconds. */
  time: number;
  attributes: Attributes;
}

/** What a span's resource and scope say of it. */
export interface Origin {
  service?: string | undefined;
  version?: string | undefined;
  environment?: string | undefined;
  /** Name of the instrumentation. */
  scope?: string | undefined;
}

/** A span as it was sent, in whichever encoding. */
export interface Span {
  /** 32 hex digits, lower case. */
  traceId: string;
  /** 16 hex digits, lower case. */
  spanId: string;
  /** Absent for a root. */
  parentId?: string | undefined;
  name: string;
  /** UNIX milliseconds, with fractions. */
  start: number;
  end: number;
  isError?: true | undefined;
  /** The status' message. */
  message?: string | undefined;
  attributes: Attributes;
  events: SpanEvent[];
  origin: Origin;
}

/** The spans of a request, and how many of it were none. */
export interface Decoded {
  spans: Span[];
  /** Without a valid trace and span id. */
  invalid: number;
}

/** A span's fields before its ids and times are checked. */
export interface RawSpan {
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  startNano: number;
  endNano: number;
  code: number;
  message: string;
  attributes: Attributes;
  events: SpanEvent[];
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;
const STATUS_ERROR = 2;

/** @returns undefined where the ids are not valid: such a span belongs nowhere */
export function spanOf(raw: RawSpan, origin: Origin): Span | undefined {
  const { traceId, spanId, parentId, name, attributes, events } = raw;
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  const start = millis(raw.startNano);
  return {
    traceId,
    spanId,
    ...(SPAN_ID.test(parentId) && parentId !== spanId && { parentId }),
    name,
    start,
    end: Math.max(start, millis(raw.endNano)),
    ...(raw.code === STATUS_ERROR && { isError: true as const }),
    ...(raw.message !== '' && { message: raw.message }),
    attributes,
    events,
    origin,
  };
}

/** Microseconds are as fine as a double holds these nanoseconds. */
export function millis(nanoseconds: number): number {
  return Math.round(nanoseconds / 1000) / 1000;
}

/** Defines keys, where an assignment to `__proto__` would set a prototype. */
export function attributesOf(entries: readonly (readonly [string, Value])[]): Attributes {
  return Object.fromEntries(entries);
}

export function originOf(resource: Attributes, scope: string): Origin {
  const text = (...keys: string[]) =>
    keys.map((key) => resource[key]).find((value) => typeof value === 'string' && value !== '') as
      | string
      | undefined;
  return {
    service: text('service.name'),
    version: text('service.version'),
    environment: text('deployment.environment.name', 'deployment.environment'),
    ...(scope !== '' && { scope }),
  };
}
