import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { Client, type ClientOptions } from 'phospho-express/client';
import { onTestFinished } from 'vitest';

export const KEY = 'sk-test-0123456789abcdef';
export const PROJECT = 'project one';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: unknown;
}

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON, a string as it is, `undefined` as nothing. */
  body?: unknown;
}

export type Handler = (seen: Seen, response: ServerResponse) => Reply | 'handled';

/** A phospho on a port of its own, which answers as told and remembers what it was asked. */
export async function phosphoServer(handler: Handler): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method = '', url = '', headers } = request;
    const one: Seen = { method, url, headers, body: text === '' ? undefined : JSON.parse(text) };
    seen.push(one);
    const reply = handler(one, response);
    if (reply === 'handled') return;
    const { body } = reply;
    response.writeHead(reply.status ?? 200, {
      'content-type': 'application/json',
      ...reply.headers,
    });
    response.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`, seen };
}

/** A TCP server for what no HTTP server would say. */
export async function tcpServer(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
}

/** A port where nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}/v2`;
}

export function clientFor(baseUrl: string, options: ClientOptions = {}): Client {
  const client = new Client({ apiKey: KEY, projectId: PROJECT, baseUrl, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** The error that a call ends in. */
export async function failure(
  call: PromiseLike<unknown>,
): Promise<Error & Record<string, unknown>> {
  try {
    await call;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('the call should have failed');
}

export const TASK = {
  id: 't1',
  created_at: 1_700_000_000,
  project_id: PROJECT,
  input: 'Hi',
  output: 'Hello!',
  events: [],
  brand_new_field: { kept: true },
};

export const SESSION = {
  id: 's1',
  created_at: 1_700_000_000,
  project_id: PROJECT,
  events: [],
  session_length: 2,
  brand_new_field: 1,
};

export const TEST = {
  id: 'x1',
  created_at: 1_700_000_000,
  last_updated_at: 1_700_000_000,
  created_by: 'me',
  project_id: PROJECT,
  status: 'started',
  summary: {},
};

export const COMPARISON = {
  id: 'c1',
  created_at: 1_700_000_000,
  project_id: PROJECT,
  context_input: 'q',
  old_output: 'a',
  new_output: 'b',
  comparison_result: 'Same quality',
  source: 'judge',
};
