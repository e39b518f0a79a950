import type { BodyKind } from '../capture/body-kind.ts';
import type { ByteLog } from '../capture/byte-log.ts';
import type { RequestParts } from '../capture/extract/format.ts';
import { readGenericRequest } from '../capture/extract/generic.ts';
import type { Formats } from '../capture/extract/index.ts';
import { isObject } from '../capture/extract/text.ts';
import type { Extracted } from '../capture/extracted.ts';
import { type Answer, readAnswer } from '../capture/read-answer.ts';
import type { JsonObject } from '../types.ts';
import { sessionIn } from './identify.ts';
import type { RequestTap } from './request-tap.ts';

export interface ExchangeFacts {
  formats: Formats;
  /** The request's path. */
  path: string;
  status: number;
  kind: BodyKind;
  /** The response's Content-Encoding. */
  encoding: string | undefined;
  /** Of its text; undefined: UTF-8. */
  charset: string | undefined;
  query: object;
  /** The app asked for this path, so that whole bodies are kept whatever their shape. */
  isIncluded: boolean;
  metadata: JsonObject;
  /** What the request names beside its body. */
  sessionId: string | undefined;
}

/** Both bodies, read and parsed; gives their memory back, also where it fails. */
export function readExchange(
  request: RequestTap,
  response: ByteLog | undefined,
  facts: ExchangeFacts,
): Extracted | Promise<Extracted> {
  let body: unknown;
  let text: string | Promise<string>;
  let streamed: Answer | undefined;
  try {
    body = request.body();
    streamed = response?.parts();
    text = streamed === undefined ? (response?.text(facts.encoding, facts.charset) ?? '') : '';
  } finally {
    // What is still being decoded has its own copy of the bytes.
    request.release();
    response?.release();
  }
  if (typeof text === 'string' && !(body instanceof Promise)) {
    return contents(body, streamed ?? readAnswer(text, facts), facts);
  }
  const decoded = Promise.resolve(text).catch(() => undefined);
  return Promise.all([body, decoded]).then(([asked, answered]) => {
    const metadata = { ...facts.metadata, response_undecoded: answered === undefined || undefined };
    return contents(asked, streamed ?? readAnswer(answered ?? '', facts), { ...facts, metadata });
  });
}

function contents(body: unknown, answer: Answer, facts: ExchangeFacts): Extracted {
  const asked = readQuestion(body, facts);
  const { raw, isExact, ...answered } = answer;
  const keepsRaw = facts.isIncluded || isExact || facts.formats.isRequest(body);
  return {
    ...answered,
    ...asked,
    model: answered.model ?? asked?.model,
    rawInput: keepsRaw ? body : undefined,
    // Text is the output itself.
    rawOutput: keepsRaw || typeof raw === 'string' ? raw : undefined,
    about: facts.metadata,
    sessionId: sessionIn(body) ?? facts.sessionId,
  };
}

function readQuestion(
  body: unknown,
  { formats, path, query }: ExchangeFacts,
): RequestParts | undefined {
  return (
    formats.request(body, { path }) ??
    (isObject(body) ? readGenericRequest(body) : undefined) ??
    readGenericRequest(query as JsonObject)
  );
}
