import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { ServerOptions, Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { makeTlsServer } from './tls-server.ts';

/** Milliseconds. A slow sender holds a socket this long at most; a held flag is not affected: its request is complete. */
export interface ServerTimes {
  headersTimeout: number;
  requestTimeout: number;
  keepAliveTimeout: number;
  /** How often Node looks for requests whose time is over. */
  connectionsCheckingInterval: number;
}

const TIMES: ServerTimes = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
};

/**
 * A server that answers what never becomes a request in JSON too.
 *
 * @param tls - makes it one for HTTPS
 */
export function makeServer(listener: RequestListener, times?: Partial<ServerTimes>): Server;
export function makeServer(
  listener: RequestListener,
  times: Partial<ServerTimes>,
  tls: ServerOptions,
): TlsServer;
export function makeServer(
  listener: RequestListener,
  times: Partial<ServerTimes> = {},
  tls?: ServerOptions,
): Server | TlsServer {
  // Node would answer a missing Host itself; our guard does it with a reason.
  const options = { ...TIMES, requireHostHeader: false, ...times };
  const server = tls === undefined ? createServer(options) : makeTlsServer({ ...options, ...tls });
  server.on('request', listener);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuse(error, socket as Socket);
  });
  server.on('checkExpectation', (_req, res) => {
    const body = JSON.stringify({ detail: 'Of the Expect header only 100-continue is known.' });
    res.writeHead(417, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': body.length,
      connection: 'close',
    });
    res.end(body);
  });
  return server;
}

function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  // Within an answer, or after a reset, nothing that we write would be understood. Node itself looks there.
  const { _httpMessage } = socket as { _httpMessage?: { headersSent: boolean } | null };
  if (!socket.writable || error.code === 'ECONNRESET' || _httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  // A handshake that failed has been told so by TLS, and without it there is nothing to write through.
  if (error.code?.startsWith('ERR_SSL_')) {
    socket.destroy();
    return;
  }
  const [status, detail] = answerTo(error.code);
  const body = JSON.stringify({ detail });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function answerTo(code: string | undefined): [status: number, detail: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request did not come in time.'];
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'The headers are too large.'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'The chunk extensions are too large.'];
    default:
      return [400, 'This is not valid HTTP.'];
  }
}
