import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const NOTIFICATION = 'A'.charCodeAt(0);

/** What stands between a collector and its PostgreSQL, as a pooler or a network does. */
export interface Proxy {
  /** The URL, through the proxy. */
  url: string;
  /** How many notices it has kept to itself. */
  withheld: number;
  /** Breaks all connections. */
  cut(): void;
}

/** Passes everything on but notices, which a PgBouncer that lends connections by the transaction does not either. */
export async function deafProxy(url: string): Promise<Proxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let rest = Buffer.alloc(0);
    upstream.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      // Each message: a byte that tells its kind, and its length without that byte.
      while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
        const end = rest.readUInt32BE(1) + 1;
        if (rest[0] === NOTIFICATION) proxy.withheld++;
        else client.write(rest.subarray(0, end));
        rest = rest.subarray(end);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as { port: number }).port);
  const proxy: Proxy = {
    url: through.href,
    withheld: 0,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
  onTestFinished(() => {
    server.close();
    proxy.cut();
  });
  return proxy;
}
