import { isObject, isTooDeep, MAX_DEPTH } from '../inputs/json.ts';
import {
  type Attributes,
  attributesOf,
  type Decoded,
  millis,
  originOf,
  type Span,
  type SpanEvent,
  spanOf,
  type Value,
} from './span.ts';

/**
 * The spans of an OTLP/JSON request: protobuf's JSON, but with ids in hex.
 * Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 *
 * @throws Error that names what is not as it must be
 */
export function decodeJson(text: string): Decoded {
  const body: unknown = JSON.parse(text);
  if (isTooDeep(body)) throw new Error(`nested deeper than ${MAX_DEPTH} levels`);
  const decoded: Decoded = { spans: [], invalid: 0 };
  for (const resourceSpans of listOf(object(body, 'the body'), 'resourceSpans')) {
    const group = object(resourceSpans, 'resourceSpans');
    const resource = attributesIn(optional(group.resource));
    for (const scopeSpans of listOf(group, 'scopeSpans')) {
      const scope = object(scopeSpans, 'scopeSpans');
      const origin = originOf(resource, textOf(optional(scope.scope).name));
      for (const given of listOf(scope, 'spans')) {
        const span = isObject(given) ? readSpan(given, origin) : undefined;
        if (span === undefined) decoded.invalid++;
        else decoded.spans.push(span);
      }
    }
  }
  return decoded;
}

type Json = Record<string, unknown>;

function readSpan(json: Json, origin: Span['origin']): Span | undefined {
  const status = optional(json.status);
  const raw = {
    traceId: textOf(json.traceId).toLowerCase(),
    spanId: textOf(json.spanId).toLowerCase(),
    parentId: textOf(json.parentSpanId).toLowerCase(),
    name: textOf(json.name),
    startNano: numberOf(json.startTimeUnixNano),
    endNano: numberOf(json.endTimeUnixNano),
    code: status.code === 'STATUS_CODE_ERROR' ? 2 : numberOf(status.code),
    message: textOf(status.message),
    attributes: attributesIn(json),
    events: arrayOf(json.events).filter(isObject).map(readEvent),
  };
  return spanOf(raw, origin);
}

function readEvent(json: Json): SpanEvent {
  return {
    name: textOf(json.name),
    time: millis(numberOf(json.timeUnixNano)),
    attributes: attributesIn(json),
  };
}

function attributesIn({ attributes }: Json): Attributes {
  return attributesOf(entriesOf(attributes));
}

function entriesOf(keyValues: unknown): [string, Value][] {
  return arrayOf(keyValues)
    .filter(isObject)
    .map(({ key, value }) => [textOf(key), anyValueOf(value)]);
}

/** Depth is bounded: see isTooDeep. */
function anyValueOf(any: unknown): Value {
  if (!isObject(any)) return null;
  if (typeof any.stringValue === 'string') return any.stringValue;
  if (typeof any.boolValue === 'boolean') return any.boolValue;
  if (any.intValue !== undefined) return numberOf(any.intValue);
  if (any.doubleValue !== undefined) return doubleOf(any.doubleValue);
  if (isObject(any.arrayValue)) return arrayOf(any.arrayValue.values).map(anyValueOf);
  if (isObject(any.kvlistValue)) return attributesOf(entriesOf(any.kvlistValue.values));
  if (typeof any.bytesValue === 'string') return any.bytesValue;
  return null;
}

/** 64-bit integers come as text. What is no number counts as protobuf's default. */
function numberOf(value: unknown): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : 0;
}

/** Infinity and NaN come as text. */
function doubleOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function optional(value: unknown): Json {
  return isObject(value) ? value : {};
}

function object(value: unknown, name: string): Json {
  if (!isObject(value)) throw new Error(`${name} must be an object`);
  return value;
}

function listOf(parent: Json, name: string): unknown[] {
  const list = parent[name] ?? [];
  if (!Array.isArray(list)) throw new Error(`${name} must be a list`);
  return list;
}
