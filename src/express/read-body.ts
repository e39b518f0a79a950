import { FeedbackRefusal } from '../feedback/flag-request.ts';
import type { AppRequest } from './types.ts';

/** A beacon with the longest notes allowed, escaped, fits twice. */
export const MAX_FEEDBACK_BYTES = 8_192;

const ACCEPTED_TYPES = new Set(['application/json', 'text/plain']);

/**
 * The JSON body of a piece of feedback, whether a parser was before us or not. `navigator.sendBeacon`
 * sends JSON as text/plain. Throws a FeedbackRefusal.
 */
export async function readFeedbackBody(req: AppRequest): Promise<unknown> {
  const type = (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!ACCEPTED_TYPES.has(type)) {
    throw new FeedbackRefusal(
      'unsupported_type',
      `Content-Type must be application/json or text/plain${type === '' ? ', got none' : ''}`,
    );
  }
  if (Number(req.headers['content-length'] ?? 0) > MAX_FEEDBACK_BYTES) throw tooLarge();
  if (req.body !== undefined && isParsed(req)) return unwrap(req.body);
  if (req.headers['content-encoding'] !== undefined) {
    throw new FeedbackRefusal('unsupported_type', 'a compressed body is not accepted');
  }
  return parse(await readText(req));
}

/** Express 4's parsers leave `{}` on requests that they did not parse, and did not read. */
function isParsed(req: AppRequest): boolean {
  return req.readableDidRead || Object.keys(Object(req.body)).length > 0;
}

function unwrap(body: unknown): unknown {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return body;
  if (body.length > MAX_FEEDBACK_BYTES) throw tooLarge();
  return parse(body.toString());
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FeedbackRefusal('invalid_json', 'the body is not valid JSON');
  }
}

function readText(req: AppRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    // Neither end nor close comes a second time, and somebody waits for an answer.
    if (req.readableEnded) return resolve('');
    if (req.destroyed) return reject(new Error('the client left'));
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (finish: () => void): void => {
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > MAX_FEEDBACK_BYTES) done(() => reject(tooLarge()));
    };
    const onEnd = (): void => done(() => resolve(Buffer.concat(chunks).toString('utf8')));
    const onError = (error: Error): void => done(() => reject(error));
    const onClose = (): void => done(() => reject(new Error('the client left')));
    req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

function tooLarge(): FeedbackRefusal {
  return new FeedbackRefusal('too_large', `the body must have at most ${MAX_FEEDBACK_BYTES} bytes`);
}
