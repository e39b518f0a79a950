import type { ByteLog } from '../capture/byte-log.ts';
import type { RequestParts, ResponseParts } from '../capture/extract/format.ts';
import { readGenericRequest } from '../capture/extract/generic.ts';
import {
  isRequest,
  readAnyResponse,
  readRequest,
  readResponse,
  readStream,
} from '../capture/extract/index.ts';
import { isObject } from '../capture/extract/text.ts';
import type { Extracted } from '../capture/extracted.ts';
import { parseJson } from '../capture/sse.ts';
import type { JsonObject } from '../types.ts';
import type { RequestTap } from './request-tap.ts';

/** What kind of body a Content-Type announces; `untyped` where there is none, as on bare `node:http`. */
export type BodyKind = 'json' | 'events' | 'text' | 'untyped' | 'binary';

export function kindOf(contentType: string | undefined): BodyKind {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '') return 'untyped';
  if (type === 'text/event-stream') return 'events';
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  return type.startsWith('text/') ? 'text' : 'binary';
}

export interface ExchangeFacts {
  status: number;
  kind: BodyKind;
  /** The response's Content-Encoding. */
  encoding: string | undefined;
  query: object;
  /** The app asked for this path, so that whole bodies are kept whatever their shape. */
  isIncluded: boolean;
  metadata: JsonObject;
}

/** Both bodies, read and parsed; gives their memory back, also where it fails. */
export function readExchange(
  request: RequestTap,
  response: ByteLog | undefined,
  facts: ExchangeFacts,
): Extracted | Promise<Extracted> {
  let body: unknown;
  let text: string | Promise<string>;
  try {
    body = request.body();
    text = response?.text(facts.encoding) ?? '';
  } finally {
    // What is still being decoded has its own copy of the bytes.
    request.release();
    response?.release();
  }
  if (typeof text === 'string' && !(body instanceof Promise)) return contents(body, text, facts);
  const decoded = Promise.resolve(text).catch(() => '');
  return Promise.all([body, decoded]).then(([asked, answered]) => contents(asked, answered, facts));
}

function contents(body: unknown, text: string, facts: ExchangeFacts): Extracted {
  const asked = readQuestion(body, facts.query);
  const { raw, isExact, ...answered } = readAnswer(text, facts);
  const keepsRaw = facts.isIncluded || isExact || isRequest(body);
  return {
    ...answered,
    ...asked,
    model: answered.model ?? asked?.model,
    rawInput: keepsRaw ? body : undefined,
    // Text is the output itself.
    rawOutput: keepsRaw || typeof raw === 'string' ? raw : undefined,
    metadata: facts.metadata,
  };
}

function readQuestion(body: unknown, query: object): RequestParts | undefined {
  return (
    readRequest(body) ??
    (isObject(body) ? readGenericRequest(body) : undefined) ??
    readGenericRequest(query as JsonObject)
  );
}

function readAnswer(
  text: string,
  { kind, status }: ExchangeFacts,
): Partial<ResponseParts> & { raw?: unknown; isExact?: boolean } {
  if (text === '') return {};
  if (kind === 'events') return readStream(text);
  const json = kind === 'json' || kind === 'untyped' ? parseJson(text) : undefined;
  if (json !== undefined) {
    return { ...readAnyResponse(json), raw: json, isExact: readResponse(json) !== undefined };
  }
  // An error page is not an answer; its status says enough.
  if (status >= 400 && kind === 'text') return {};
  return { output: text, raw: text };
}
