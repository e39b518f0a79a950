import type { Request, RequestHandler, Response } from 'express';
import { uuidv7 } from '../../internal/ids.ts';
import type { Meter } from '../metrics/meter.ts';

/** One request, as it is logged: no path, query, header, key, token or captured text is in it. */
export interface RequestLogEntry {
  /** When the request came, ISO 8601. */
  time: string;
  /** As in the answer's X-Request-Id. */
  request_id: string;
  method: string;
  /** The route's pattern; null where there is none for the path. */
  route: string | null;
  /** 499: the client left before the answer. */
  status: number;
  /** Until the answer has ended. */
  duration_ms: number;
  /** Of the body, as it was announced; null where it was not. */
  request_bytes: number | null;
  /** Of the answer's body. */
  bytes: number;
  /** The project of the key; null where there was no valid one. */
  project: string | null;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const LEFT_EARLY = 499;

/** Gives each request its id, and tells of it when it is over. */
export function observe(
  meter: Meter,
  log: ((entry: RequestLogEntry) => void) | undefined,
): RequestHandler {
  return (req, res, next) => {
    const time = new Date().toISOString();
    const start = performance.now();
    const requestId = idOf(req);
    const { path } = req;
    const isHead = req.method === 'HEAD';
    const written = countBytes(res);
    res.setHeader('x-request-id', requestId);
    res.once('close', () => {
      const duration = performance.now() - start;
      const route = routeOf(req, path);
      const status = res.headersSent ? res.statusCode : LEFT_EARLY;
      const method = METHODS.has(req.method) ? req.method : 'other';
      const isStream = String(res.getHeader('content-type')).startsWith('text/event-stream');
      const seconds = isStream ? undefined : duration / 1000;
      meter.request({ method, route: route ?? 'none', status }, seconds);
      log?.({
        time,
        request_id: requestId,
        method,
        route,
        status,
        duration_ms: Math.round(duration * 10) / 10,
        request_bytes: numberIn(req.headers['content-length']),
        bytes: isHead ? 0 : written(),
        project: projectOf(res),
      });
    });
    next();
  };
}

/** Tells the observer whose request it is. */
export function noteProject(res: Response, projectId: string): void {
  res.locals.phosphoProject = projectId;
}

function projectOf(res: Response): string | null {
  const project: unknown = res.locals.phosphoProject;
  return typeof project === 'string' ? project : null;
}

/** A proxy's id is kept, if it can be nothing else than an id. */
function idOf(req: Request): string {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:=+/-]{1,128}$/.test(given) ? given : uuidv7();
}

/** @param path - below where the collector is mounted */
function routeOf(req: Request, path: string): string | null {
  const pattern: unknown = (req as { route?: { path?: unknown } }).route?.path;
  if (pattern === undefined) return null;
  const root = /^\/(?:v2|dashboard)(?=\/|$)/i.exec(path)?.[0].toLowerCase() ?? '';
  return typeof pattern === 'string' ? `${root}${pattern}` : `${root}/*`;
}

function countBytes(res: Response): () => number {
  let bytes = 0;
  const { write, end } = res;
  const count = (chunk: unknown, encoding: unknown) => {
    if (typeof chunk === 'string')
      bytes += Buffer.byteLength(
        chunk,
        typeof encoding === 'string' ? (encoding as 'utf8') : 'utf8',
      );
    else if (chunk instanceof Uint8Array) bytes += chunk.byteLength;
  };
  res.write = ((...args: Parameters<typeof write>) => {
    count(args[0], args[1]);
    return Reflect.apply(write, res, args);
  }) as typeof write;
  res.end = ((...args: Parameters<typeof end>) => {
    count(args[0], args[1]);
    return Reflect.apply(end, res, args);
  }) as typeof end;
  return () => bytes;
}

function numberIn(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
