import type { ByteLog } from '../capture/byte-log.ts';
import type { RequestParts, ResponseParts } from '../capture/extract/format.ts';
import { readGenericRequest } from '../capture/extract/generic.ts';
import { readAnyResponse, readRequest, readStream } from '../capture/extract/index.ts';
import { isObject } from '../capture/extract/text.ts';
import type { Extracted } from '../capture/extracted.ts';
import { parseJson } from '../capture/sse.ts';
import type { JsonObject } from '../types.ts';
import type { RequestTap } from './request-tap.ts';

/** What kind of body a Content-Type announces. */
export type BodyKind = 'json' | 'events' | 'text' | 'binary';

export function kindOf(contentType: string | undefined): BodyKind {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
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
  metadata: JsonObject;
}

/** Both bodies, read and parsed; gives their memory back. */
export function readExchange(
  request: RequestTap,
  response: ByteLog | undefined,
  facts: ExchangeFacts,
): Extracted | Promise<Extracted> {
  const body = request.body();
  request.release();
  const text = response?.text(facts.encoding) ?? '';
  if (typeof text === 'string') {
    response?.release();
    return contents(body, text, facts);
  }
  return text
    .catch(() => '')
    .then((decoded) => {
      response?.release();
      return contents(body, decoded, facts);
    });
}

function contents(body: unknown, text: string, facts: ExchangeFacts): Extracted {
  const asked = readQuestion(body, facts.query);
  const { raw, ...answered } = readAnswer(text, facts);
  return {
    ...answered,
    ...asked,
    model: answered.model ?? asked?.model,
    rawInput: body,
    rawOutput: raw,
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
): Partial<ResponseParts> & { raw?: unknown } {
  if (text === '') return {};
  if (kind === 'events') return readStream(text);
  const json = kind === 'json' ? parseJson(text) : undefined;
  if (json !== undefined) return { ...readAnyResponse(json), raw: json };
  // An error page is not an answer; its status says enough.
  if (status >= 400 && kind === 'text') return {};
  return { output: text, raw: text };
}
