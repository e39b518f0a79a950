import type { ErrorRequestHandler } from 'express';
import type { GuardedLogger } from '../../internal/logger.ts';
import { unavailability } from '../store/unavailable.ts';
import { HttpError } from './http-error.ts';

/** Told why the database cannot take a request. */
export type Complain = (reason: string) => void;

/** Every request of an outage meets it, so the log has it once a minute. */
export function complaintsOf(logger: GuardedLogger): Complain {
  return atMostOnceAMinute((reason) =>
    logger.say('warn', `the database cannot take requests now: ${reason}`),
  );
}

/** Writes every error as `{"detail": …}`. What nobody foresaw is a 500 that tells no more, and one line in the log. */
export function errorHandler(logger: GuardedLogger, complain: Complain): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    const answer = foreseen(error, complain);
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

/** The answer to an error that a client can do something about. */
export function foreseen(error: unknown, complain: Complain): HttpError | undefined {
  return error instanceof HttpError ? error : (ofExpress(error) ?? ofDatabase(error, complain));
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

/** The client is told to come again, and no more. */
function ofDatabase(error: unknown, complain: Complain): HttpError | undefined {
  const reason = unavailability(error);
  if (reason === undefined) return undefined;
  complain(reason);
  return new HttpError(503, 'The database cannot take this now. Send it again later.', {
    'retry-after': '5',
  });
}

function atMostOnceAMinute(say: (reason: string) => void): (reason: string) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (reason) => {
    const now = performance.now();
    if (now - last < 60_000) return;
    last = now;
    say(reason);
  };
}
