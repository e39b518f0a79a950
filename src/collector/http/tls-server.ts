import { createServer, type Server, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';

/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

/** How long a client may take for its first byte, and then for the handshake. */
const PATIENCE_MS = 15_000;

/**
 * An HTTPS server that tells clients who speak plain HTTP so, instead of hanging up on them. The first byte of
 * a connection says which it is; it is put back before TLS reads it.
 */
export function makeTlsServer(options: ServerOptions): Server {
  const server = createServer({ handshakeTimeout: PATIENCE_MS, ...options });
  const handshakes = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const end = () => socket.destroy();
    socket.on('error', end);
    socket.setTimeout(PATIENCE_MS, end);
    socket.once('end', end);
    socket.once('readable', () => {
      const first: Buffer | null = socket.read(1);
      if (first === null) return end();
      socket.setTimeout(0);
      socket.off('timeout', end);
      socket.off('end', end);
      if (first[0] !== HANDSHAKE) return refusePlain(socket);
      socket.off('error', end);
      socket.unshift(first);
      for (const shake of handshakes) shake.call(server, socket);
    });
  });
  return server;
}

function refusePlain(socket: Socket): void {
  // 421: nothing is wrong with the request but where it was sent, so our delivery keeps its events.
  const body = JSON.stringify({ detail: 'This port speaks HTTPS. Begin the URL with https://' });
  // What has not been read would make the system reset the connection, and the answer might be lost with it.
  socket.resume();
  socket.setTimeout(1000, () => socket.destroy());
  socket.end(
    'HTTP/1.1 421 Misdirected Request\r\nContent-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
