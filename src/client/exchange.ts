import type { Dispatcher } from 'undici';
import { PhosphoAnswerError, PhosphoTimeoutError } from '../errors.ts';
import { isPage, oneLine } from './detail.ts';
import {
  type Answer,
  brokenCall,
  type Call,
  headerOf,
  refusedCall,
  requestIdOf,
} from './failures.ts';
import { MAX_ANSWER_BYTES, MAX_ERROR_BYTES } from './limits.ts';
import type { Undici } from './pools.ts';
import type { Scrubber } from './scrub.ts';

/** One attempt of one call, with all that was resolved for it. */
export interface Attempt {
  call: Call;
  url: URL;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
  timeoutMs: number;
  scrub: Scrubber;
  /** Aborted by the caller, or by the client's end. */
  signal: AbortSignal;
  /** The error to give then. */
  cancelled: () => Error;
  /** Told of the headers of an answer that is a success. */
  onHeaders: ((header: (name: string) => string | undefined) => void) | undefined;
}

/** Sends one request and reads its answer: the parsed JSON, or null where a 2xx answer is empty. */
export async function exchange(
  undici: Undici,
  dispatcher: Dispatcher,
  attempt: Attempt,
): Promise<unknown> {
  const { call, timeoutMs, signal, scrub } = attempt;
  const stop = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason));
  });
  const timer = setTimeout(() => {
    stop.abort(new PhosphoTimeoutError(`no answer within ${timeoutMs / 1000} s`, call));
  }, timeoutMs);
  const cancel = () => stop.abort(attempt.cancelled());
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  const answering = send(undici, dispatcher, attempt, stop.signal);
  for (const promise of [stopped, answering]) promise.catch(() => {});
  let answer: Answer;
  try {
    // undici heeds its signal only once it has a socket, so the race is decided here.
    answer = await Promise.race([stopped, answering]);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : brokenCall(call, error, scrub);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
  if (answer.status >= 300) throw refusedCall(call, answer, scrub);
  attempt.onHeaders?.((name) => headerOf(answer, name));
  return parse(call, answer, scrub);
}

async function send(
  undici: Undici,
  dispatcher: Dispatcher,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const { call, url, headers, timeoutMs } = attempt;
  const {
    statusCode,
    headers: received,
    body,
  } = await undici.request(url, {
    dispatcher,
    method: call.method as Dispatcher.HttpMethod,
    headers,
    body: attempt.body ?? null,
    signal,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const text = await readText(body, statusCode < 300);
  return { status: statusCode, headers: received, text };
}

/** The body as text. Too long an answer is an error; too long an error is cut. */
async function readText(body: AsyncIterable<Uint8Array>, whole: boolean): Promise<string> {
  const limit = whole ? MAX_ANSWER_BYTES : MAX_ERROR_BYTES;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size <= limit) continue;
    if (!whole) break;
    throw Object.assign(new Error('too large'), { code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' });
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function parse(call: Call, answer: Answer, scrub: Scrubber): unknown {
  const { status, text } = answer;
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    const page = isPage(text, headerOf(answer, 'content-type') ?? '');
    const start = page ? undefined : oneLine(scrub.text(text));
    const what = start === undefined ? 'a page' : `"${start}"`;
    throw new PhosphoAnswerError(
      `the answer (${status}) is not JSON but ${what}. Does the base URL (PHOSPHO_BASE_URL or the option baseUrl) lead to a phospho API?`,
      { ...call, status, detail: start, requestId: requestIdOf(answer, scrub) },
    );
  }
}
