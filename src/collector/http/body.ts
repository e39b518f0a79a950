import { promisify } from 'node:util';
import type { Request, RequestHandler, Response } from 'express';
import { askForBody } from './expect-continue.ts';
import { HttpError } from './http-error.ts';

/** Reads a request's JSON body; a request without one has `undefined`. */
export type BodyReader = (req: Request, res: Response) => Promise<unknown>;

/**
 * Makes a BodyReader of `express.json`. It inflates gzip bodies too, and its limit holds for the inflated
 * size, so a small archive cannot grow without bound.
 *
 * @param limit - that of `parse`, bytes
 */
export function bodyReader(parse: RequestHandler, limit: number): BodyReader {
  const read = promisify(
    parse as (req: Request, res: Response, done: (e?: unknown) => void) => void,
  );
  return async (req, res) => {
    if (!hasBody(req)) return undefined;
    if (!req.is(['json', '+json'])) {
      throw new HttpError(415, 'The body must be JSON, sent as content-type: application/json');
    }
    assertFits(req, limit);
    askForBody(req, res);
    await read(req, res);
    const body: unknown = req.body;
    return body;
  };
}

export function hasBody(req: Request): boolean {
  const length = req.headers['content-length'];
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Express would answer only once all of the body has come. */
export function assertFits(req: Request, limit: number): void {
  if (Number(req.headers['content-length'] ?? 0) <= limit) return;
  throw new HttpError(413, `The body is larger than ${limit} bytes`);
}
