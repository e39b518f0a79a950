import {
  PhosphoAnswerError,
  PhosphoClientError,
  PhosphoConnectionError,
  type PhosphoRequestError,
  type PhosphoRequestErrorOptions,
  PhosphoServerError,
  PhosphoTimeoutError,
} from '../errors.ts';
import { retryAfterMs } from '../internal/retry-after.ts';
import { detailOf, oneLine, renderDetail } from './detail.ts';
import { MAX_DETAIL_CHARS } from './limits.ts';
import type { Scrubber } from './scrub.ts';

/** Which call it was, for messages. */
export interface Call {
  method: string;
  /** Below the base URL, without its query. */
  path: string;
}

/** The query stays out of errors, and so does the key, wherever it is. */
export function callOf(method: string, path: string, scrub: Scrubber): Call {
  return { method, path: scrub.text(path.replace(/\?.*/s, '')) };
}

/** What is needed of an answer that was read. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

const TIMEOUT_CODES: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer did not end in time',
  ETIMEDOUT: 'no connection in time',
};

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** The error for a call that brought no whole answer. */
export function brokenCall(call: Call, error: unknown, scrub: Scrubber): PhosphoRequestError {
  const cause = scrub.cause(error);
  const code = codeOf(error);
  const options = { ...call, cause };
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new PhosphoAnswerError('the answer is larger than the limit', options);
  }
  const late = TIMEOUT_CODES[code];
  if (late !== undefined) return new PhosphoTimeoutError(late, options);
  const text = scrub.text(error instanceof Error ? error.message : String(error));
  const known = text.includes(code) ? text : `${code} ${text}`;
  const hint = UNKNOWN_AUTHORITY.has(code)
    ? '. If the certificate is your own, start Node with NODE_EXTRA_CA_CERTS=<file of it, or of its authority, in PEM>'
    : '';
  return new PhosphoConnectionError(`the connection failed (${oneLine(known)})${hint}`, options);
}

/** The error for an answer outside 2xx. */
export function refusedCall(call: Call, answer: Answer, scrub: Scrubber): PhosphoRequestError {
  const { status } = answer;
  const header = (name: string) => headerOf(answer, name);
  const options: PhosphoRequestErrorOptions = {
    ...call,
    status,
    requestId: requestIdOf(answer, scrub),
    retryAfterMs: retryAfterMs(header('retry-after')),
  };
  if (status < 400) {
    const target = oneLine(scrub.text(header('location') ?? 'nowhere'));
    return new PhosphoClientError(
      `${status}: the server redirects to ${target}, and redirects are not followed. Is the base URL (PHOSPHO_BASE_URL or the option baseUrl) right?`,
      options,
    );
  }
  const detail = scrub.json(detailOf(answer.text, header('content-type') ?? ''));
  const said = renderDetail(detail);
  const message = `${status}${said === '' ? '' : ` ${said}`}${hintFor(status, said)}`;
  options.detail = typeof detail === 'string' ? detail.slice(0, MAX_DETAIL_CHARS * 4) : detail;
  return status < 500
    ? new PhosphoClientError(message, options)
    : new PhosphoServerError(message, options);
}

const KEY_HINT =
  ' (is the API key, PHOSPHO_API_KEY or the option apiKey, right, and may it use this project?)';
const HINTS: Readonly<Record<number, string>> = { 401: KEY_HINT, 403: KEY_HINT };

/** A server that names the scope that is missing has said it better. */
function hintFor(status: number, said: string): string {
  return status === 403 && /\bscope\b/.test(said) ? '' : (HINTS[status] ?? '');
}

/** One header's first value. */
export function headerOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function requestIdOf(answer: Answer, scrub: Scrubber): string | undefined {
  const id = headerOf(answer, 'x-request-id');
  return id === undefined ? undefined : oneLine(scrub.text(id));
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}
