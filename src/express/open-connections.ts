import type { Server as HttpServer, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { sharedSymbol } from '../internal/brand.ts';
import type { AppRequest } from './types.ts';

/** A socket as Node's HTTP server uses it. */
export interface HttpSocket extends Socket {
  /** The response that is its turn; none between two requests. */
  _httpMessage?: ServerResponse | null | undefined;
}

/** What Node's HTTP server knows of its connections. */
interface ConnectionsList {
  all(): { socket: HttpSocket }[];
  /** Those that are not in the middle of a request's head or body. */
  idle(): { socket: HttpSocket }[];
}

/**
 * The HTTP/1 connections of a server, without those that were upgraded. Undefined where Node does not let us
 * see them. Its own `closeIdleConnections()` reads the same list, but cuts responses off that have ended and
 * are still being sent, and spares connections that never sent a request.
 */
export function connectionsOf(server: Server): ConnectionsList | undefined {
  const key = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connections',
  );
  const list: unknown = key === undefined ? undefined : Reflect.get(server, key);
  return isConnectionsList(list) ? list : undefined;
}

function isConnectionsList(list: unknown): list is ConnectionsList {
  const { all, idle } = Object(list) as { [name: string]: unknown };
  return typeof all === 'function' && typeof idle === 'function';
}

const SESSIONS = sharedSymbol('sessions');

/** On an HTTP/2 server: its sessions, as far as the middleware has seen them. Node 20 and 22 do not list them. */
export function sessionsOf(server: Server): Set<ServerHttp2Session> {
  const known: unknown = Reflect.get(server, SESSIONS);
  if (known instanceof Set) return known as Set<ServerHttp2Session>;
  const sessions = new Set<ServerHttp2Session>();
  Object.defineProperty(server, SESSIONS, { value: sessions });
  return sessions;
}

/** Called with each request over HTTP/2. */
export function rememberSession(req: AppRequest): void {
  const { server } = req.socket as { server?: Server };
  const { session } = (req as { stream?: { session?: ServerHttp2Session } }).stream ?? {};
  if (server === undefined || session === undefined) return;
  keepSession(sessionsOf(server), session);
}

export function keepSession(sessions: Set<ServerHttp2Session>, session: ServerHttp2Session): void {
  if (sessions.has(session)) return;
  sessions.add(session);
  session.once('close', () => sessions.delete(session));
}

/** Whether this is what `app.listen()` or `createServer()` returns. */
export function isServer(value: unknown): value is HttpServer {
  try {
    const { close, once, getConnections } = Object(value) as { [name: string]: unknown };
    return [close, once, getConnections].every((method) => typeof method === 'function');
  } catch {
    return false;
  }
}
