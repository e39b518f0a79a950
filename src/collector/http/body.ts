import { promisify } from 'node:util';
import type { Request, RequestHandler, Response } from 'express';
import { describeError } from '../../internal/hooks.ts';
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
    if (hasBeenRead(req)) return parsedBefore(req.body);
    await read(req, res);
    const body: unknown = req.body;
    return body;
  };
}

/** By a parser of the app that the collector is mounted in. Each version of Express knows its own parser's work alone. */
export function hasBeenRead(req: Request): boolean {
  return req.readableEnded;
}

function parsedBefore(body: unknown): unknown {
  if (body === undefined) {
    throw new HttpError(400, 'Something before the collector has read the body and kept nothing');
  }
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return body;
  try {
    return JSON.parse(String(body)) as unknown;
  } catch (error) {
    throw new HttpError(400, `The body is not valid JSON: ${describeError(error)}`);
  }
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
