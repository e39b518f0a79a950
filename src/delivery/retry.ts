import {
  PhosphoAnswerError,
  PhosphoArgumentError,
  PhosphoClientError,
  PhosphoConfigError,
  PhosphoRequestError,
} from '../errors.ts';

/**
 * What to do with a batch or flag that failed:
 * `retry` it after a backoff, `hold` it until somebody mends the settings (probing now and then),
 * or `refuse` it: it is bad itself, and sending it again cannot help.
 */
export type Verdict = 'retry' | 'hold' | 'refuse';

const RETRYABLE_STATUS = new Set([408, 425, 429]);
/** The key, the project or the URL is wrong, not the event: 3xx too, since redirects are not followed. */
const HOLD_STATUS = new Set([401, 403, 404, 405, 407, 421]);

export function judge(error: unknown): Verdict {
  if (error instanceof PhosphoConfigError) return 'hold';
  if (error instanceof PhosphoArgumentError) return 'refuse';
  if (error instanceof PhosphoAnswerError) return 'retry';
  if (error instanceof PhosphoClientError) {
    const status = error.status ?? 0;
    if (RETRYABLE_STATUS.has(status)) return 'retry';
    return HOLD_STATUS.has(status) || status < 400 ? 'hold' : 'refuse';
  }
  return 'retry';
}

export interface BackoffOptions {
  /** First ceiling, milliseconds. */
  baseMs: number;
  /** Highest ceiling, milliseconds. */
  maxMs: number;
  /** Pause after a `hold`, milliseconds. */
  holdMs: number;
}

/** 0.5 s doubling to 30 s; a probe each 60 s where the settings are at fault. */
export const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 500, maxMs: 30_000, holdMs: 60_000 };

/** Bounds of what a server may ask for by Retry-After: 1 s to 5 min. */
const RETRY_AFTER_MIN_MS = 1_000;
const RETRY_AFTER_MAX_MS = 300_000;

/**
 * How long to wait after the nth failure in a row (from 1). Jitter: anything between a quarter of a ceiling
 * that doubles and all of it, so that many processes do not come back at once, and none of them asks more
 * than ten times in an outage of 15 s, whatever the dice say. Retry-After overrules it.
 */
export function backoffMs(
  error: unknown,
  failures: number,
  options: BackoffOptions = DEFAULT_BACKOFF,
): number {
  if (error instanceof PhosphoRequestError && error.retryAfterMs !== undefined) {
    return Math.min(Math.max(error.retryAfterMs, RETRY_AFTER_MIN_MS), RETRY_AFTER_MAX_MS);
  }
  if (judge(error) === 'hold') return options.holdMs;
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** (failures - 1));
  return ceiling * (0.25 + 0.75 * Math.random());
}
