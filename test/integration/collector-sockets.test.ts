import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeServer } from '../../src/collector/http/server.ts';
import { startCollector } from './collector-helpers.ts';

const EVENT = JSON.stringify({ batched_log_events: [{ task_id: 'slow', input: 'x' }] });

/** The collector behind a server of this patience in milliseconds, and a socket to it. */
async function reached(patience = 15_000) {
  const started = await startCollector();
  const { collector } = started;
  const server = makeServer(collector.app, {
    ...{ headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval: 50 },
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const head = (length: number, more = '') =>
    `POST /v2/log/demo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${collector.apiKey}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;
  return { ...started, socket, head };
}

/** All that comes until the server ends the connection, as status and JSON. */
async function answerOn(socket: Socket): Promise<{ status: number; detail: unknown }> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  const [top = '', body = ''] = text.split('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d+) /.exec(top)?.[1]),
    detail: (JSON.parse(body) as { detail: unknown }).detail,
  };
}

describe('a client', () => {
  test('that sends its body piece by piece, in time, is answered as any other', async () => {
    const { get, head, socket } = await reached();
    socket.write(head(EVENT.length, 'Connection: close\r\n'));
    for (const piece of EVENT.match(/.{1,8}/gs) ?? []) {
      await new Promise((done) => socket.write(piece, done));
    }
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200 .*"task_id":"slow"/s);
    await get('/tasks/slow').expect(200);
  });

  test.each([
    ['headers', ''],
    ['body', '{"batched_log_events": [{"task_id": "slow", "inp'],
  ])('whose %s stand still is answered 408, and nothing of it is stored', async (part, piece) => {
    const { get, head, socket } = await reached(300);
    socket.write(part === 'headers' ? head(50).slice(0, 40) : head(EVENT.length) + piece);
    expect(await answerOn(socket)).toEqual({
      status: 408,
      detail: expect.stringContaining('time'),
    });
    await get('/tasks/slow').expect(404);
  });

  test('that ends in the midst of its body is answered 400, and nothing of it is stored', async () => {
    const { get, head, socket } = await reached();
    socket.end(head(EVENT.length) + EVENT.slice(0, 30));
    expect(await answerOn(socket)).toEqual({ status: 400, detail: expect.any(String) });
    await get('/tasks/slow').expect(404);
  });

  test('that is gone in the midst of its body leaves the others alone', async () => {
    const { get, head, socket } = await reached();
    socket.write(head(EVENT.length) + EVENT.slice(0, 30));
    socket.resetAndDestroy();
    await once(socket, 'close');
    await get('/tasks/slow').expect(404);
  });

  test.each<[string, string, number]>([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['no such version', 'GET / HTTP/9.9\r\n\r\n', 400],
    ['a header with a NUL', 'GET / HTTP/1.1\r\nHost: a\u0000b\r\n\r\n', 400],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    ['no Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 403],
    ['another Expect', 'GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n', 417],
  ])('that sends %s is told so', async (_name, bytes, status) => {
    const { socket } = await reached();
    socket.write(bytes);
    expect(await answerOn(socket)).toEqual({ status, detail: expect.any(String) });
  });

  test('that sends a chunk that is none is told so, and nothing of it is stored', async () => {
    const { get, head, socket } = await reached();
    const chunked = head(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    socket.write(`${chunked}5\r\n{"bat\r\nzz\r\n`);
    expect(await answerOn(socket)).toEqual({ status: 400, detail: expect.any(String) });
    await get('/tasks/slow').expect(404);
  });
});
