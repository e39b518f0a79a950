import { FeedbackRefusal } from '../feedback/flag-request.ts';
import type { AppRequest, AppResponse } from './types.ts';

/** Seconds for which a browser need not ask again: Chrome's upper bound. */
const PREFLIGHT_SECONDS = 7_200;

/**
 * Refuses the pages of other origins, and lets those of the given ones read the answer; what a CORS middleware of
 * the app has said stands. Without a list, all of that is the app's. Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 *
 * @throws FeedbackRefusal `origin`
 */
export function checkOrigin(
  origins: readonly string[] | undefined,
  req: AppRequest,
  res: AppResponse,
): void {
  if (origins === undefined) return;
  const { origin } = req.headers;
  // A cache between us must not hand one origin's answer to another.
  if (!/(^|,)\s*(origin|\*)\s*(,|$)/i.test(`${res.getHeader('Vary') ?? ''}`)) {
    res.appendHeader('Vary', 'Origin');
  }
  if (origin === undefined) return;
  if (!origins.includes(origin)) {
    throw new FeedbackRefusal('origin', 'feedback from this origin is not accepted');
  }
  if (!res.hasHeader('Access-Control-Allow-Origin')) {
    res.setHeader('Access-Control-Allow-Origin', origin);
  }
}

/** Whether a browser asks if a page may send a flag. */
export function isPreflight(req: AppRequest): boolean {
  return (
    req.method === 'OPTIONS' &&
    req.headers.origin !== undefined &&
    req.headers['access-control-request-method'] !== undefined
  );
}

/** To be called once its origin has been checked. */
export function answerPreflight(res: AppResponse): void {
  res.statusCode = 204;
  res.setHeader('Access-Control-Allow-Methods', 'POST');
  res.setHeader('Access-Control-Allow-Headers', 'content-type');
  res.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
  res.end();
}
