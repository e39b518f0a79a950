import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { agent } from 'supertest';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeServer } from '../../src/collector/http/server.ts';
import { startCollector } from './collector-helpers.ts';

const EVENT = JSON.stringify({ batched_log_events: [{ task_id: 'slow', input: 'x' }] });

/** The collector behind a server of this patience in milliseconds, and a socket to it. */
async function reached(patience = 15_000, maxBodyBytes = 64 * 1024) {
  const started = await startCollector({ maxBodyBytes });
  const { collector } = started;
  const server = makeServer(collector.app, {
    ...{ headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval: 50 },
    reading: { graceMs: patience, leastBytesPerSecond: 1e9, lookMs: 50 },
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
    ['no Host', 'GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n', 403],
    [
      'two Hosts',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nHost: x\r\nConnection: close\r\n\r\n',
      400,
    ],
    [
      'another host in its target',
      'GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      403,
    ],
    [
      'a target that is no URL',
      'GET http://[bad/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
    ['a line without CR', 'GET /health HTTP/1.1\nHost: localhost\n\n', 400],
    ['a folded header', 'GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n', 400],
    ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['another Expect', 'GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n', 417],
  ])('that sends %s is told so', async (_name, bytes, status) => {
    const { socket } = await reached();
    socket.write(bytes);
    expect(await answerOn(socket)).toEqual({ status, detail: expect.any(String) });
  });

  // What one server takes for a body and another for a second request is how requests are smuggled past a proxy.
  test.each([
    ['both', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['both, the other way round', 'Transfer-Encoding: chunked\r\nContent-Length: 5'],
    ['an encoding that is none', 'Transfer-Encoding: xchunked'],
    ['chunked not at the end', 'Transfer-Encoding: chunked, identity'],
    ['two encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'],
    ['a space before the colon', 'Transfer-Encoding : chunked'],
    ['a plus', 'Content-Length: +5'],
    ['a list of lengths', 'Content-Length: 5, 5'],
    ['a hexadecimal length', 'Content-Length: 0x5'],
    ['a length beyond all numbers', 'Content-Length: 99999999999999999999'],
  ])(
    'whose length is said by %s is hung up on, and what follows is no request',
    async (_name, length) => {
      const { head, socket } = await reached();
      const second = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';
      socket.write(`${head(0).replace('Content-Length: 0', length)}0\r\n\r\n${second}`);
      expect(await answerOn(socket)).toEqual({ status: 400, detail: expect.any(String) });
    },
  );

  test('that announces a body too large is told so before it sends it', async () => {
    const { head, socket } = await reached();
    socket.write(head(10 ** 12, 'Connection: close\r\n'));
    expect(await answerOn(socket)).toMatchObject({ status: 413 });
  });

  test('that waits for leave to send its body gets it, if the body is wanted', async () => {
    const { get, head, socket } = await reached();
    socket.write(head(EVENT.length, 'Expect: 100-continue\r\nConnection: close\r\n'));
    const [first] = await once(socket, 'data');
    expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(EVENT);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    await get('/tasks/slow').expect(200);
  });

  test.each<[string, number, (head: string) => string]>([
    ['brings no key', 401, (head) => head.replace(/Authorization.*\r\n/, '')],
    ['announces too much', 413, (head) => head.replace(/(Content-Length): \d+/, '$1: 9999999')],
  ])(
    'that waits for leave to send its body and %s is answered %d without it',
    async (_name, status, change) => {
      const { head, socket } = await reached();
      socket.write(change(head(EVENT.length, 'Expect: 100-continue\r\n')));
      expect(await answerOn(socket)).toMatchObject({ status });
    },
  );

  test('that does not read its answer is hung up on', async () => {
    const { collector, log, socket } = await reached(300);
    const input = 'x'.repeat(60_000);
    // More than both ends' sockets take over.
    for (let i = 0; i < 300; i++) await log({ task_id: `t${i}`, input });
    socket.pause();
    const body = JSON.stringify({ limit: 1000 });
    socket.write(
      `POST /v2/projects/demo/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${collector.apiKey}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const requests = () =>
      agent(collector.app)
        .get('/metrics')
        .then(({ text }) => /requests_total\{[^}]*projects[^}]*tasks"[^}]*\} 1/.test(text));
    await vi.waitFor(async () => expect(await requests()).toBe(true), { timeout: 15_000 });
    let received = 0;
    for await (const chunk of socket) received += (chunk as Buffer).length;
    expect(received).toBeLessThan(300 * input.length);
  });

  test('that sends a chunk that is none is told so, and nothing of it is stored', async () => {
    const { get, head, socket } = await reached();
    const chunked = head(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    socket.write(`${chunked}5\r\n{"bat\r\nzz\r\n`);
    expect(await answerOn(socket)).toEqual({ status: 400, detail: expect.any(String) });
    await get('/tasks/slow').expect(404);
  });
});
