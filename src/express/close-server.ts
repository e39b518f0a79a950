import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import { setImmediate as turn } from 'node:timers/promises';
import { inTime } from '../internal/in-time.ts';
import { connectionsOf, keepSession, sessionsOf } from './open-connections.ts';

/** How often connections are looked at that may have become idle, milliseconds. */
const SWEEP_MS = 100;

/**
 * Stops accepting, lets the requests under way end, and closes each connection as it becomes idle. What is
 * left after `timeoutMs` is destroyed. Resolves when that is done; never rejects.
 */
export async function closeServer(
  server: Server,
  timeoutMs: number,
  onFault: (error: unknown) => void,
): Promise<void> {
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      onFault(error);
    }
  };
  const sessions = sessionsOf(server);
  const onSession = (session: ServerHttp2Session): void => {
    keepSession(sessions, session);
    session.close();
  };
  const closed = whenClosed(server);
  attempt(() => stopAccepting(server));
  // A port that was still being looked up when the server was told to stop.
  server.once('listening', () => server.close());
  server.on('session', onSession);
  // On an HTTP/2 server that has none, a first listener would change how its streams are handled.
  if (server.listenerCount('request') > 0) server.prependListener('request', onLateRequest);
  attempt(() => {
    for (const session of sessions) session.close();
    sweep(server, { isFirst: true });
  });
  const sweeping = setInterval(() => attempt(() => sweep(server, { isFirst: false })), SWEEP_MS);
  if (!(await inTime(timeoutMs, closed))) {
    attempt(() => {
      server.closeAllConnections?.();
      for (const session of sessions) session.destroy();
    });
  }
  clearInterval(sweeping);
  server.off('session', onSession).off('request', onLateRequest);
  // A server says that it has closed before the last of its sockets does, and with that its response.
  for (let turns = 0; turns < 3; turns++) await turn();
}

/** `server.close()` without its `closeIdleConnections()`, which cuts off responses that are still being sent. */
function stopAccepting(server: Server): void {
  if (connectionsOf(server) === undefined) {
    server.close();
    return;
  }
  const own = Object.getOwnPropertyDescriptor(server, 'closeIdleConnections');
  Object.defineProperty(server, 'closeIdleConnections', { value: () => {}, configurable: true });
  try {
    server.close();
  } finally {
    if (own) Object.defineProperty(server, 'closeIdleConnections', own);
    else Reflect.deleteProperty(server, 'closeIdleConnections');
  }
}

/** Closes what is idle; a response under way will be the last one of its connection. */
function sweep(server: Server, { isFirst }: { isFirst: boolean }): void {
  const connections = connectionsOf(server);
  if (connections === undefined) {
    server.closeIdleConnections?.();
    return;
  }
  const all = connections.all();
  // At first a request may be on its way in; after a pause, who has not sent one will not.
  const idle = new Set(isFirst ? connections.idle() : all);
  for (const connection of all) {
    const { socket } = connection;
    const response = socket._httpMessage;
    if (response) response.shouldKeepAlive = false;
    else if (idle.has(connection)) socket.destroy();
  }
}

/** One that came over a connection which was still open. */
function onLateRequest(_req: IncomingMessage, res: ServerResponse): void {
  res.shouldKeepAlive = false;
}

function whenClosed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.once('close', resolve);
    // One that never listened, or has been closed, says nothing.
    server.getConnections((_error, count) => {
      if (!server.listening && count === 0) resolve();
    });
  });
}
