import Pbf from 'pbf';
import {
  type Attributes,
  attributesOf,
  type Decoded,
  millis,
  originOf,
  type RawSpan,
  type SpanEvent,
  spanOf,
  type Value,
} from './span.ts';

/*
 * Messages of https://github.com/open-telemetry/opentelemetry-proto (v1): the numbers are its fields'. pbf reads on
 * where a length points beyond its message or the body, so that is checked here.
 */

const LENGTH_DELIMITED = 2;
/** Of attribute values. */
const MAX_DEPTH = 64;

type Fields = (field: number, pbf: Pbf) => void;

/**
 * The spans of an ExportTraceServiceRequest.
 *
 * @throws Error where the bytes are none
 */
export function decodeProtobuf(bytes: Uint8Array): Decoded {
  // A Buffer may be a part of a larger one, whose start pbf would read from.
  const pbf = new Pbf(new Uint8Array(bytes));
  const decoded: Decoded = { spans: [], invalid: 0 };
  readAll(pbf, pbf.length, (field) => {
    if (field === 1) readResourceSpans(pbf, decoded);
  });
  return decoded;
}

/** Resource and scope may stand behind the spans that they belong to. */
function readResourceSpans(pbf: Pbf, decoded: Decoded): void {
  let resource: Attributes = {};
  const scopes: { name: string; spans: RawSpan[] }[] = [];
  message(pbf, (field) => {
    if (field === 1) {
      const entries: [string, Value][] = [];
      message(pbf, (inner) => {
        if (inner === 1) entries.push(readKeyValue(pbf, 0));
      });
      resource = attributesOf(entries);
    } else if (field === 2) scopes.push(readScopeSpans(pbf));
  });
  for (const { name, spans } of scopes) {
    const origin = originOf(resource, name);
    for (const raw of spans) {
      const span = spanOf(raw, origin);
      if (span === undefined) decoded.invalid++;
      else decoded.spans.push(span);
    }
  }
}

function readScopeSpans(pbf: Pbf): { name: string; spans: RawSpan[] } {
  const scope = { name: '', spans: [] as RawSpan[] };
  message(pbf, (field) => {
    if (field === 1) {
      message(pbf, (inner) => {
        if (inner === 1) scope.name = text(pbf);
      });
    } else if (field === 2) scope.spans.push(readSpan(pbf));
  });
  return scope;
}

function readSpan(pbf: Pbf): RawSpan {
  const span = {
    ...{ traceId: '', spanId: '', parentId: '', name: '', startNano: 0, endNano: 0 },
    ...{ code: 0, message: '', events: [] as SpanEvent[] },
  };
  const attributes: [string, Value][] = [];
  message(pbf, (field) => {
    if (field === 1) span.traceId = hex(pbf);
    else if (field === 2) span.spanId = hex(pbf);
    else if (field === 4) span.parentId = hex(pbf);
    else if (field === 5) span.name = text(pbf);
    else if (field === 7) span.startNano = fixed64(pbf);
    else if (field === 8) span.endNano = fixed64(pbf);
    else if (field === 9) attributes.push(readKeyValue(pbf, 0));
    else if (field === 11) span.events.push(readEvent(pbf));
    else if (field === 15) {
      message(pbf, (inner) => {
        if (inner === 2) span.message = text(pbf);
        else if (inner === 3) span.code = pbf.readVarint();
      });
    }
  });
  return { ...span, attributes: attributesOf(attributes) };
}

function readEvent(pbf: Pbf): SpanEvent {
  const event = { name: '', time: 0 };
  const attributes: [string, Value][] = [];
  message(pbf, (field) => {
    if (field === 1) event.time = millis(fixed64(pbf));
    else if (field === 2) event.name = text(pbf);
    else if (field === 3) attributes.push(readKeyValue(pbf, 0));
  });
  return { ...event, attributes: attributesOf(attributes) };
}

function readKeyValue(pbf: Pbf, depth: number): [string, Value] {
  let key = '';
  let value: Value = null;
  message(pbf, (field) => {
    if (field === 1) key = text(pbf);
    else if (field === 2) value = readAnyValue(pbf, depth);
  });
  return [key, value];
}

function readAnyValue(pbf: Pbf, depth: number): Value {
  if (depth > MAX_DEPTH) throw new Error(`a value is nested deeper than ${MAX_DEPTH} levels`);
  let value: Value = null;
  message(pbf, (field) => {
    if (field === 1) value = text(pbf);
    else if (field === 2) value = pbf.readBoolean();
    else if (field === 3) value = pbf.readVarint(true);
    else if (field === 4) value = finite(pbf.readDouble());
    else if (field === 5) {
      const items: Value[] = [];
      message(pbf, (inner) => {
        if (inner === 1) items.push(readAnyValue(pbf, depth + 1));
      });
      value = items;
    } else if (field === 6) {
      const entries: [string, Value][] = [];
      message(pbf, (inner) => {
        if (inner === 1) entries.push(readKeyValue(pbf, depth + 1));
      });
      value = attributesOf(entries);
    } else if (field === 7) value = Buffer.from(delimited(pbf)).toString('base64');
  });
  return value;
}

/** JSON has no other numbers. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function message(pbf: Pbf, fields: Fields): void {
  const end = endOf(pbf);
  readAll(pbf, end, fields);
  if (pbf.pos !== end) throw truncated();
}

function readAll(pbf: Pbf, end: number, fields: Fields): void {
  pbf.readFields(
    (field) => {
      fields(field, pbf);
      if (pbf.pos > end) throw truncated();
    },
    undefined,
    end,
  );
  if (pbf.pos > end) throw truncated();
}

function text(pbf: Pbf): string {
  return Buffer.from(delimited(pbf)).toString('utf8');
}

function hex(pbf: Pbf): string {
  return Buffer.from(delimited(pbf)).toString('hex');
}

function delimited(pbf: Pbf): Uint8Array {
  const end = endOf(pbf);
  const bytes = pbf.buf.subarray(pbf.pos, end);
  pbf.pos = end;
  return bytes;
}

function fixed64(pbf: Pbf): number {
  if (pbf.pos + 8 > pbf.length) throw truncated();
  return pbf.readFixed64();
}

/** Where the message, text or bytes that start here end. */
function endOf(pbf: Pbf): number {
  if (pbf.type !== LENGTH_DELIMITED) throw new Error('a field has another type than it must have');
  const end = pbf.readVarint() + pbf.pos;
  if (end > pbf.length) throw truncated();
  return end;
}

function truncated(): Error {
  return new Error('a message ends before its fields do');
}

/** An ExportTraceServiceResponse. */
export function encodeAnswer(rejected: number, errorMessage: string): Uint8Array {
  const pbf = new Pbf();
  if (rejected > 0) {
    pbf.writeMessage(
      1,
      (_, inner) => {
        inner.writeVarintField(1, rejected);
        inner.writeStringField(2, errorMessage);
      },
      undefined,
    );
  }
  return pbf.finish();
}

/** A google.rpc.Status, as OTLP wants errors. */
export function encodeStatus(code: number, text: string): Uint8Array {
  const pbf = new Pbf();
  pbf.writeVarintField(1, code);
  pbf.writeStringField(2, text);
  return pbf.finish();
}
