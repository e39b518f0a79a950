import type { ErrorRequestHandler } from 'express';
import type { GuardedLogger } from '../../internal/logger.ts';
import { HttpError } from './http-error.ts';

/** Writes every error as `{"detail": …}`. What nobody foresaw is a 500 that tells no more, and one line in the log. */
export function errorHandler(logger: GuardedLogger): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    const answer = error instanceof HttpError ? error : (ofExpress(error) ?? ofDatabase(error));
    if (answer !== undefined) {
      res.status(answer.status).set(answer.headers).json({ detail: answer.detail });
      return;
    }
    const requestId = String(res.getHeader('x-request-id'));
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    logger.say('error', `request ${requestId} (${req.method} ${req.path}) failed: ${reason}`);
    res.status(500).json({ detail: `Internal error. Its request id is ${requestId}.` });
  };
}

/** Errors of Express and its body parser carry the status to answer: a malformed URL or JSON, too large … */
function ofExpress(error: unknown): HttpError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { status, type } = error as Error & { status?: unknown; type?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (type === 'entity.parse.failed') {
    return new HttpError(status, `The body is not valid JSON: ${error.message}`);
  }
  return new HttpError(status, error.message);
}

const PASSING = /\b(?:database is locked|database is busy|disk is full|disk I\/O error)\b/i;

/** A database that is locked by another process, or a full disk: the request is fine and worth sending again. */
function ofDatabase(error: unknown): HttpError | undefined {
  if (!(error instanceof Error) || !PASSING.test(error.message)) return undefined;
  return new HttpError(503, `The database cannot take this now: ${error.message}`, {
    'retry-after': '5',
  });
}
