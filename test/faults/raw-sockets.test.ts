import type { Socket } from 'node:net';
import { PhosphoAnswerError, PhosphoClientError, PhosphoConnectionError } from 'phospho-express';
import { Agent } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { type Illness, illServer, storing } from './helpers/ill-server.ts';
import { expectAllStored, surviveOutage } from './helpers/outage.ts';
import { scaled, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const durationMs = scaled(800, 15_000);
const error = PhosphoConnectionError;

/** Does with the first bytes of a connection what no HTTP server would, and reads nothing. */
const onBytes = (act: (socket: Socket) => void) => (socket: Socket) => {
  // Before the parser has them: it would take what follows for an answer of its own.
  socket.prependOnceListener('data', () => act(socket));
};

const says =
  (...lines: string[]): Illness =>
  ({ socket }) =>
    void socket.end(lines.join('\r\n'));

/** Resolves once so many attempts have failed. */
const failed = (errors: unknown[], count = 1) =>
  vi.waitFor(() => expect(errors.length).toBeGreaterThanOrEqual(count), { timeout: 15_000 });

const json = 'content-type: application/json';
const unread: Illness = () => {};

describe.concurrent('a connection that breaks', { timeout: TEST_MS }, () => {
  const breaks: [string, (socket: Socket) => void][] = [
    ['by a reset as soon as it is made', (socket) => void socket.resetAndDestroy()],
    ['by an end as soon as it is made', (socket) => void socket.end()],
    ['by a reset in the middle of the request', onBytes((socket) => void socket.resetAndDestroy())],
    ['by an end in the middle of the request', onBytes((socket) => void socket.end())],
  ];

  it.for(breaks)('%s costs nothing', async ([, onConnection], t) => {
    await surviveOutage(t, {
      illness: unread,
      error,
      durationMs,
      // A large first batch, so that its request is not out when the connection breaks.
      prepare: (server) => {
        server.onConnection = onConnection;
      },
      options: { delivery: { lingerMs: 100 }, environment: 'e'.repeat(20_000) },
    });
  });
});

describe.concurrent('an answer of raw bytes', { timeout: TEST_MS }, () => {
  const chunked = 'transfer-encoding: chunked';
  const ok = 'HTTP/1.1 200 OK';
  const answers: [string, Illness][] = [
    ['that is empty', says('')],
    ['that stops in its head', says(ok, 'content-type: appl')],
    ['with a chunk size that is no number', says(ok, chunked, '', 'ZZ', '{}', '0', '', '')],
    ['with a chunk shorter than it says', says(ok, chunked, '', 'ff', '{}')],
    ['without its last chunk', says(ok, chunked, '', '2', '{}', '')],
    ['shorter than its Content-Length', says(ok, json, 'content-length: 500', '', '{}')],
    ['with a negative Content-Length', says(ok, 'content-length: -1', '', '{}')],
    ['with two Content-Lengths', says(ok, 'content-length: 2', 'content-length: 3', '', '{}')],
    [
      'with Content-Length and chunks',
      says(ok, 'content-length: 2', chunked, '', '2', '{}', '0', '', ''),
    ],
    ['with a header of 100 kB', says(ok, `x-long: ${'x'.repeat(100_000)}`, '', '{}')],
    ['with a NUL in a header', says(ok, 'x-nul: a\0b', '', '{}')],
    ['with a status of five digits', says('HTTP/1.1 20000 OK', '', '{}')],
    ['with HTTP/9.9 in front', says('HTTP/9.9 200 OK', 'content-length: 2', '', '{}')],
    ['of an SSH server', says('SSH-2.0-OpenSSH_9.6', '')],
    ['of a mail server', says('220 mail.example ESMTP', '500 unknown command', '')],
    ['of a Redis server', says("-ERR unknown command 'POST'", '')],
    [
      'of an HTTP/2 server',
      ({ socket }) => void socket.end(Buffer.from('000012040000000000', 'hex')),
    ],
    ['of a TLS server', ({ socket }) => void socket.end(Buffer.from('15030100020246', 'hex'))],
    ['of noise', ({ socket }) => void socket.end(Buffer.alloc(4_096, 0xa7))],
    ['that is 100 Continue, unasked for', says('HTTP/1.1 100 Continue', '', '')],
    [
      'that switches protocols',
      says('HTTP/1.1 101 Switching Protocols', 'upgrade: x', 'connection: upgrade', '', ''),
    ],
  ];

  it.for(answers)('%s is a connection that failed, and costs nothing', async ([, illness], t) => {
    await surviveOutage(t, { illness, error, durationMs });
  });

  it('longer than its Content-Length is read as far as that, and what follows is no answer', async (t) => {
    await surviveOutage(t, {
      illness: says(ok, json, 'content-length: 2', '', '{}HTTP/1.1 200 OK', '', ''),
      error: PhosphoAnswerError,
      durationMs,
    });
  });

  it('with 102 and 103 before it is taken', async (t) => {
    const server = await illServer(
      t,
      storing((response, answer) => {
        response.writeProcessing();
        response.writeEarlyHints({ link: '</style.css>; rel=preload' });
        response.end(answer);
      }),
    );
    const { phospho, errors } = watch(t, { baseUrl: server.url });
    phospho.log({ input: 'x', taskId: 'a' });
    const { events } = await phospho.flush();
    expect(events.delivered).toBe(1);
    expect(errors).toEqual([]);
  });

  it('to nobody: bytes on an idle connection spoil no later request', async (t) => {
    const server = await illServer(
      t,
      storing((response, answer) => {
        response.end(answer, () =>
          setTimeout(() => response.socket?.write('HTTP/1.1 200 OK\r\n\r\n'), 20),
        );
      }),
    );
    const { phospho, drops } = watch(t, { baseUrl: server.url });
    const ids = Array.from({ length: 5 }, (_, index) => `t${index}`);
    for (const taskId of ids) {
      phospho.log({ input: 'x', taskId });
      await phospho.flush();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await phospho.flush({ timeoutMs: 60_000 });
    expectAllStored(server, ids);
    expect(drops).toEqual([]);
  });
});

describe.concurrent('a redirect', { timeout: TEST_MS }, () => {
  it.for([301, 302, 303, 307, 308])(
    'by %i to another host is not followed, so the key stays; what waits is kept',
    async (status, t) => {
      const elsewhere = await illServer(t);
      const server = await illServer(t, (request, response) => {
        request.resume();
        response.writeHead(status, { location: `${elsewhere.url}/log/p` }).end();
      });
      const { phospho, errors, drops } = watch(t, { baseUrl: server.url });
      // A single task, since two could leave side by side, and the second fail at the wrong moment.
      phospho.log({ input: 'x', taskId: 'a' });
      await failed(errors);
      for (const error of errors) expect(error).toBeInstanceOf(PhosphoClientError);
      expect((errors[0] as Error).message).toContain('redirects are not followed');
      expect(server.attempts).toBe(1);
      expect(elsewhere.double.asked).toEqual([]);
      server.heal();
      await phospho.shutdown({ timeoutMs: 20_000 });
      expectAllStored(server, ['a']);
      expect(elsewhere.double.asked).toEqual([]);
      expect(drops).toEqual([]);
    },
  );
});

describe.concurrent('a name or a handshake', { timeout: TEST_MS }, () => {
  it.for(['ENOTFOUND', 'EAI_AGAIN', 'ESERVFAIL'])(
    'that fails by %s costs nothing once it works again',
    async (code, t) => {
      let lookups = 0;
      let isFailing = true;
      const dispatcher = new Agent({
        connect: {
          lookup: (hostname, _options, done) => {
            lookups += 1;
            if (isFailing) done(Object.assign(new Error(`${code} ${hostname}`), { code }), '', 0);
            else done(null, [{ address: '127.0.0.1', family: 4 }]);
          },
        },
      });
      t.onTestFinished(() => dispatcher.destroy());
      const server = await illServer(t);
      const baseUrl = server.url.replace('127.0.0.1', 'phospho.localhost');
      const { phospho, errors, drops } = watch(t, { baseUrl, dispatcher });
      phospho.log({ input: 'x', taskId: 'a' });
      await failed(errors, 2);
      isFailing = false;
      await phospho.flush({ timeoutMs: 60_000 });
      expectAllStored(server, ['a']);
      expect(lookups).toBeGreaterThan(1);
      for (const error of errors) expect(error).toBeInstanceOf(PhosphoConnectionError);
      expect((errors[0] as Error).message).toContain(code);
      expect(drops).toEqual([]);
    },
  );

  const shakes: [string, (socket: Socket) => void][] = [
    ['is reset', (socket) => void socket.resetAndDestroy()],
    ['ends', (socket) => void socket.end()],
    ['is answered by an alert', (socket) => void socket.end(Buffer.from('15030300020228', 'hex'))],
    ['is answered in plain HTTP', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ];

  it.for(shakes)('of TLS that %s is told of, and what waits is kept', async ([, act], t) => {
    const server = await illServer(t, unread);
    server.onConnection = onBytes(act);
    const baseUrl = server.url.replace('http:', 'https:');
    const { phospho, errors } = watch(t, { baseUrl });
    phospho.log({ input: 'x', taskId: 'a' });
    await failed(errors, 2);
    for (const error of errors) expect(error).toBeInstanceOf(PhosphoConnectionError);
    expect(phospho.stats().events).toMatchObject({ captured: 1, deadLettered: 0, dropped: {} });
    const { events } = await phospho.shutdown({ timeoutMs: 500 });
    expect(events).toMatchObject({ delivered: 0, dropped: { shutdown: 1 } });
  });
});
