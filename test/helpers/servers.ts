import { once } from 'node:events';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Listens on a port of its own; what is left of it goes with the test. */
export async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A connection by hand: what it sent and whether it is over. */
export interface Line {
  socket: Socket;
  /** All that came so far. */
  text: () => string;
  /** Resolves once the text holds it. */
  said: (text: string) => Promise<void>;
  closed: Promise<unknown>;
}

export async function dial(port: number): Promise<Line> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return {
    socket,
    closed,
    text: () => text,
    said: async (expected) => {
      while (!text.includes(expected)) await once(socket, 'data');
    },
  };
}

const QUESTION = JSON.stringify({ messages: [{ role: 'user', content: 'Lisbon in the rain?' }] });

/** A chat request as it goes over the wire, for a connection that is to be kept. */
export function chatRequest(path = '/chat'): string {
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(QUESTION)}`,
  ];
  return [...lines, '', QUESTION].join('\r\n');
}

/** A promise and what settles it, for handlers that wait for the test. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
