import { promisify } from 'node:util';
import type { Request, RequestHandler, Response } from 'express';
import { describeError } from '../../internal/hooks.ts';
import { assertProject, assertScope, keyMissing, keyOf, noteUse } from '../http/authenticate.ts';
import { assertFits, hasBeenRead, hasBody } from '../http/body.ts';
import { type Complain, foreseen } from '../http/errors.ts';
import { askForBody } from '../http/expect-continue.ts';
import { HttpError } from '../http/http-error.ts';
import type { FailedKeys } from '../limits/failed-keys.ts';
import type { Limits } from '../limits/limits.ts';
import type { Meter } from '../metrics/meter.ts';
import type { KeyUses } from '../model/key-uses.ts';
import type { NewSpan, Store } from '../store/store.ts';
import type { Folder } from './folder.ts';
import { decodeJson } from './json.ts';
import { keptSpan } from './kept-span.ts';
import { decodeProtobuf, encodeAnswer, encodeStatus } from './protobuf.ts';
import type { Decoded } from './span.ts';

/** OTLP's own path, and phospho's beside `/v2`; whether errors and answers are OTLP's. */
export const OTLP_PATHS: readonly (readonly [path: string, isStandard: boolean])[] = [
  ['/v1/traces', true],
  ['/v3/otl/:project_id', false],
];

export interface OtlpParts {
  store: Store;
  meter: Meter;
  folder: Folder;
  keyUses: KeyUses;
  isStandard: boolean;
  maxBodyBytes: number;
  limits: Limits;
  failedKeys: FailedKeys;
  /** Reads bytes, inflated and within the limit, into `req.body`. */
  read: RequestHandler;
  complain: Complain;
}

const PROTOBUF = 'application/x-protobuf';
/** When a trace is folded that nothing more comes of, at the earliest. */
const SOON_MS = 2_000;

/** What a request is encoded in, its answer is too. Spans are committed before they are answered. */
export function otlpHandler(parts: OtlpParts): RequestHandler {
  const read = promisify(
    parts.read as (q: Request, s: Response, done: (e?: unknown) => void) => void,
  );
  return (req, res, next) => {
    take(parts, read, req, res).then(
      ({ rejected, reason }) => {
        if (res.destroyed) return;
        if (!parts.isStandard) res.json({ status: 'ok' });
        else if (isProtobuf(req)) send(res, encodeAnswer(rejected, reason));
        else {
          const partialSuccess = { rejectedSpans: String(rejected), errorMessage: reason };
          res.json(rejected > 0 ? { partialSuccess } : {});
        }
      },
      (error: unknown) => {
        if (!parts.isStandard || res.headersSent) return next(error);
        const answer = foreseen(error, parts.complain);
        if (answer === undefined) return next(error);
        refuse(req, res, answer);
      },
    );
  };
}

interface Taken {
  rejected: number;
  reason: string;
}

async function take(
  { store, meter, folder, keyUses, maxBodyBytes, limits, failedKeys }: OtlpParts,
  read: (req: Request, res: Response) => Promise<unknown>,
  req: Request,
  res: Response,
): Promise<Taken> {
  const key = await failedKeys.guard(req, () => keyOf(req, store.keys));
  if (key === undefined) throw keyMissing();
  noteUse({ keyUses }, key, res);
  assertScope(key, 'write');
  const { project_id } = req.params as { project_id?: string };
  if (project_id !== undefined) assertProject(key, project_id);
  await limits.request(key.projectId, 'events');
  const { spans, invalid } = await decode(req, res, read, maxBodyBytes);
  const now = Date.now();
  const kept = spans.map((span): NewSpan => {
    const { traceId, spanId } = span;
    return { traceId, spanId, text: JSON.stringify(keptSpan(span, now)) };
  });
  const {
    stored,
    duplicate,
    rejected: tooMany,
  } = await limits.spans(key.projectId, kept.length, () =>
    store.spans.add(key.projectId, kept, now),
  );
  if (stored > 0) folder.wakeIn(SOON_MS);
  const rejected = invalid + tooMany;
  meter.spans({ stored, duplicate, rejected });
  const reasons = [
    ...(invalid > 0 ? [`${invalid} without a valid trace id and span id`] : []),
    ...(tooMany > 0 ? [`${tooMany} of traces that have reached 5000 spans or 32 MiB`] : []),
  ];
  return { rejected, reason: reasons.join('; ') };
}

async function decode(
  req: Request,
  res: Response,
  read: (req: Request, res: Response) => Promise<unknown>,
  maxBodyBytes: number,
): Promise<Decoded> {
  const isBinary = isProtobuf(req);
  const isJson = Boolean(req.is(['json', '+json']));
  // A request without spans is an empty message, which has no bytes.
  if (!hasBody(req)) return { spans: [], invalid: 0 };
  if (!isBinary && !isJson) {
    throw new HttpError(415, `The body must be ${PROTOBUF} or application/json`);
  }
  assertFits(req, maxBodyBytes);
  askForBody(req, res);
  if (!hasBeenRead(req)) await read(req, res);
  const body: unknown = req.body;
  // A host's own parser may have been first.
  const text = () => (Buffer.isBuffer(body) ? body.toString('utf8') : JSON.stringify(body));
  try {
    if (!isBinary) return decodeJson(text());
    if (!Buffer.isBuffer(body)) throw new Error('something before the collector has read the body');
    return decodeProtobuf(body);
  } catch (error) {
    throw new HttpError(400, `The body is no OTLP traces request: ${describeError(error)}`);
  }
}

function isProtobuf(req: Request): boolean {
  return Boolean(req.is([PROTOBUF, 'application/protobuf']));
}

function send(res: Response, bytes: Uint8Array): void {
  res.setHeader('content-type', PROTOBUF);
  res.end(Buffer.from(bytes));
}

/** Codes of gRPC, by the status that stands for them. */
const CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  413: 8,
  429: 8,
  503: 14,
};
const INVALID_ARGUMENT = 3;

/** JSON has our `detail` too, as all errors of the collector. */
function refuse(req: Request, res: Response, { status, detail, headers }: HttpError): void {
  const code = CODES[status] ?? INVALID_ARGUMENT;
  const message = typeof detail === 'string' ? detail : JSON.stringify(detail);
  res.status(status).set(headers);
  if (isProtobuf(req)) send(res, encodeStatus(code, message));
  else res.json({ code, message, detail });
}
