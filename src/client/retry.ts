import { PhosphoConnectionError, PhosphoRequestError, PhosphoTimeoutError } from '../errors.ts';

/** Attempts after the first that a read gets. */
export const MAX_RETRIES = 2;
const FIRST_BACKOFF_MS = 200;
/** A reader who waits for an answer does not wait longer than this on the server's word. */
const MAX_RETRY_AFTER_MS = 10_000;
const RETRYABLE_4XX: readonly number[] = [408, 425, 429];
const FINAL_CODES: readonly string[] = ['ERR_PHOSPHO_ABORTED', 'ERR_PHOSPHO_CLOSED'];

/** Whether the same call may succeed later: no connection, no answer in time, 408, 425, 429 or 5xx. */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof PhosphoRequestError) || FINAL_CODES.includes(error.code)) return false;
  if (error instanceof PhosphoConnectionError || error instanceof PhosphoTimeoutError) return true;
  const { status } = error;
  return status !== undefined && (status >= 500 || RETRYABLE_4XX.includes(status));
}

/**
 * Milliseconds until a read is tried again, or undefined where it is not. `retries` counts those made.
 * A server that asks for more than 10 s is not asked again: coming early would only add to its load.
 */
export function retryDelayMs(
  error: unknown,
  retries: number,
  random: () => number = Math.random,
): number | undefined {
  if (retries >= MAX_RETRIES || !isRetryable(error)) return undefined;
  const asked = error instanceof PhosphoRequestError ? (error.retryAfterMs ?? 0) : 0;
  if (asked > MAX_RETRY_AFTER_MS) return undefined;
  return Math.max(asked, random() * FIRST_BACKOFF_MS * 2 ** retries);
}
