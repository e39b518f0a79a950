import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { ServerOptions, Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { continueWhenRead } from './expect-continue.ts';
import { endSlowReaders, type ReadingTimes } from './slow-readers.ts';
import { makeTlsServer } from './tls-server.ts';

/** Milliseconds. A slow sender holds a socket this long at most; a held flag is not affected: its request is complete. */
export interface ServerTimes {
  headersTimeout: number;
  requestTimeout: number;
  keepAliveTimeout: number;
  /** How often Node looks for requests whose time is over. */
  connectionsCheckingInterval: number;
  /** For answers that are not read. */
  reading?: ReadingTimes;
}

const TIMES: ServerTimes = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
};

/**
 * A connection on which nothing moves: longer than a flag may be held (120 s) or a comparison may take (110 s), and
 * than live streams' heartbeats are apart.
 */
const IDLE_MS = 150_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** Each takes a file descriptor and some 10 KiB; further ones are closed at once. */
const MAX_CONNECTIONS = 5_000;
/** Then a client connects anew, perhaps to another collector behind a balancer. */
const MAX_REQUESTS_PER_CONNECTION = 10_000;

/** An Express app. `next` is called for a target in which it finds no path, before any middleware. */
type Listener = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

/**
 * A server that answers what never becomes a request in JSON too.
 *
 * @param tls - makes it one for HTTPS
 */
export function makeServer(listener: Listener, times?: Partial<ServerTimes>): Server;
export function makeServer(
  listener: Listener,
  times: Partial<ServerTimes>,
  tls: ServerOptions,
): TlsServer;
export function makeServer(
  listener: Listener,
  { reading, ...times }: Partial<ServerTimes> = {},
  tls?: ServerOptions,
): Server | TlsServer {
  // Node would answer a missing Host itself; our guard does it with a reason.
  const options = {
    ...{ ...TIMES, ...times },
    ...{ requireHostHeader: false, maxHeaderSize: MAX_HEADER_BYTES, insecureHTTPParser: false },
  };
  const server = tls === undefined ? createServer(options) : makeTlsServer({ ...options, ...tls });
  server.timeout = IDLE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION;
  server.on('request', (req, res) => {
    listener(req, res, () => hangUpWith(res, 400, 'The target of the request is no URL.'));
  });
  continueWhenRead(server);
  endSlowReaders(server, reading);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuse(error, socket as Socket);
  });
  server.on('checkExpectation', (_req, res) => {
    hangUpWith(res, 417, 'Of the Expect header only 100-continue is known.');
  });
  return server;
}

function hangUpWith(res: ServerResponse, status: number, detail: string): void {
  const body = JSON.stringify({ detail });
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    connection: 'close',
  });
  res.end(body);
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
