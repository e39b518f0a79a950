import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { promisify } from 'node:util';
import { Client, PhosphoConnectionError, PhosphoTimeoutError } from 'phospho-express/client';
import { Agent, type Dispatcher } from 'undici';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { compiled } from '../helpers/compiled.ts';
import {
  COMPARISON,
  clientFor,
  failure,
  KEY,
  phosphoServer,
  SESSION,
  TASK,
} from './client-fixture.ts';

const run = promisify(execFile);
const entry = await compiled('src/client/index.ts');

afterEach(() => {
  vi.useRealTimers();
});

/** A server that answers nothing until told to. */
async function holdingServer(answer: unknown = TASK) {
  const held: ServerResponse[] = [];
  let awaited = { count: 0, resolve: () => {} };
  const server = await phosphoServer((_, response) => {
    held.push(response);
    if (held.length >= awaited.count) awaited.resolve();
    return 'handled';
  });
  const arrived = (count: number) =>
    new Promise<void>((resolve) => {
      awaited = { count, resolve };
      if (held.length >= count) resolve();
    });
  const release = () => {
    for (const response of held.splice(0)) response.end(JSON.stringify(answer));
  };
  return { ...server, arrived, release, held };
}

describe('time-outs', () => {
  /** A dispatcher that never answers, and tells for how long it was meant to wait. */
  function silent(): { dispatcher: Dispatcher; asked: Dispatcher.DispatchOptions[] } {
    const asked: Dispatcher.DispatchOptions[] = [];
    const dispatcher = new Agent();
    dispatcher.dispatch = (options) => {
      asked.push(options);
      return true;
    };
    return { dispatcher, asked };
  }

  it.each<[string, number, number, (client: Client) => Promise<unknown>]>([
    ['a call', 10_000, 10_000, (c) => c.post('/any')],
    ['a flag', 40_000, 40_000, (c) => c.flag('t1', 'success')],
    ['a comparison', 120_000, 120_000, (c) => c.compare('q', 'a', 'b')],
  ])('%s is given up after %i ms', async (_, timeoutMs, message, call) => {
    const { dispatcher, asked } = silent();
    const client = clientFor('https://h/v2', { dispatcher });
    await import('undici');
    vi.useFakeTimers();
    let error: unknown;
    const done = call(client).catch((reason) => {
      error = reason;
    });
    await vi.advanceTimersByTimeAsync(timeoutMs - 1);
    expect(error).toBeUndefined();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(error).toBeInstanceOf(PhosphoTimeoutError);
    expect(String(error)).toContain(`${message / 1000} s`);
  });

  it('of the user raise those of flags and comparisons, and do not lower them', async () => {
    for (const [timeoutMs, expected] of [
      [50, 40_000],
      [60_000, 60_000],
    ] as const) {
      const { dispatcher, asked } = silent();
      const client = clientFor('https://h/v2', { dispatcher, timeoutMs });
      const call = failure(client.flag('t1', 'success'));
      await vi.waitFor(() => expect(asked).toHaveLength(1));
      expect(asked[0]?.headersTimeout).toBe(expected);
      await client.http.destroy();
      await call;
    }
  });

  it('do not count the wait for a free connection', async () => {
    const server = await phosphoServer((_, response) => {
      setTimeout(() => response.end(JSON.stringify(TASK)), 60);
      return 'handled';
    });
    const client = clientFor(server.url, { timeoutMs: 400 });
    const reads = Array.from({ length: 48 }, (_, i) => client.tasks.get(`t${i}`));
    expect(await Promise.all(reads)).toHaveLength(48);
    expect(server.seen).toHaveLength(48);
  });
});

describe('connections', () => {
  it('are at most four; flags and comparisons have others, and do not wait for them', async () => {
    const server = await holdingServer({ ...COMPARISON, ...TASK });
    const client = clientFor(server.url);
    const times = <T>(count: number, call: () => Promise<T>) => Array.from({ length: count }, call);
    const reads = times(6, () => client.tasks.get('t1'));
    await server.arrived(4);
    const flags = times(3, () => client.flag('t1', 'success'));
    await server.arrived(6);
    const verdict = client.compare('q', 'a', 'b');
    await server.arrived(7);
    expect(server.seen.filter(({ method }) => method === 'GET')).toHaveLength(4);
    server.release();
    await server.arrived(3);
    server.release();
    expect(await Promise.all([...reads, ...flags, verdict])).toHaveLength(10);
  });

  it('are kept for the next call', async () => {
    const ports = new Set<number | undefined>();
    const server = await phosphoServer((_, response) => {
      ports.add(response.socket?.remotePort);
      return { body: TASK };
    });
    const client = clientFor(server.url);
    for (let i = 0; i < 5; i++) await client.tasks.get('t1');
    // A call right after another may find that one's connection not quite free yet.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  it('go through the dispatcher of the user, which stays open', async () => {
    const server = await phosphoServer(() => ({ body: TASK }));
    const dispatcher = new Agent();
    onTestFinished(() => dispatcher.close());
    const dispatch = vi.spyOn(dispatcher, 'dispatch');
    const client = clientFor(server.url, { dispatcher });
    await client.tasks.get('t1');
    await client.flag('t1', 'success');
    await client.http.destroy();
    expect(dispatch).toHaveBeenCalledTimes(2);
    expect(dispatcher.closed).toBe(false);
  });

  it('to a server without a trusted certificate fail as connections', async () => {
    const server = createTlsServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const error = await failure(clientFor(`https://127.0.0.1:${port}`).post('/any'));
    expect(error).toBeInstanceOf(PhosphoConnectionError);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe('the end', () => {
  it('close waits for calls under way, also for those that have no connection yet', async () => {
    const server = await holdingServer();
    const client = clientFor(server.url);
    const reads = Array.from({ length: 6 }, () => client.tasks.get('t1'));
    await server.arrived(4);
    const closing = client.close();
    expect(client.close()).toBe(closing);
    const late = await failure(client.tasks.get('t1'));
    expect(late).toMatchObject({ name: 'PhosphoConnectionError', code: 'ERR_PHOSPHO_CLOSED' });
    server.release();
    await server.arrived(2);
    server.release();
    await closing;
    expect(await Promise.all(reads)).toHaveLength(6);
  });

  it('close of a client that was never used is done at once', async () => {
    const client = new Client();
    await client.close();
    await client.close();
    await client.http.destroy();
  });

  it('destroy cancels calls under way, waiting ones and second tries too', async () => {
    const server = await holdingServer();
    const busy = await phosphoServer(() => ({ status: 503, headers: { 'retry-after': '9' } }));
    const clients = [clientFor(server.url), clientFor(busy.url)] as const;
    const calls = Array.from({ length: 6 }, () => failure(clients[0].tasks.get('t1')));
    calls.push(failure(clients[1].tasks.get('t1')));
    await server.arrived(4);
    await vi.waitFor(() => expect(busy.seen).toHaveLength(1));
    await Promise.all(clients.map((client) => client.http.destroy()));
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ name: 'PhosphoConnectionError', code: 'ERR_PHOSPHO_CLOSED' });
    }
    expect(server.seen).toHaveLength(4);
  });

  it('a call is cancelled by its signal: before, waiting for a connection, or under way', async () => {
    const server = await holdingServer(SESSION);
    const { http } = clientFor(server.url);
    const cancelled = { name: 'PhosphoConnectionError', code: 'ERR_PHOSPHO_ABORTED' };
    const request = { method: 'GET', path: '/sessions/s1', pool: 'flags' } as const;
    expect(await failure(http.request({ ...request, signal: AbortSignal.abort() }))).toMatchObject(
      cancelled,
    );
    expect(server.seen).toHaveLength(0);
    const held = [http.request(request), http.request(request)];
    await server.arrived(2);
    const controller = new AbortController();
    const waiting = failure(http.request({ ...request, signal: controller.signal }));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await waiting).toMatchObject({ ...cancelled, cause: reason, path: '/sessions/s1' });
    server.release();
    expect(await Promise.all(held)).toEqual([SESSION, SESSION]);
    const second = new AbortController();
    const running = failure(http.request({ ...request, signal: second.signal }));
    await server.arrived(1);
    second.abort();
    expect(await running).toMatchObject(cancelled);
    server.release();
  });

  it('many calls may share one signal, without a warning', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const server = await phosphoServer(() => ({ body: TASK }));
    const { http } = clientFor(server.url);
    const { signal } = new AbortController();
    const request = { method: 'GET', path: '/any', signal } as const;
    await Promise.all(Array.from({ length: 50 }, () => http.request(request)));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    expect(warned).not.toHaveBeenCalled();
  });

  it('bytes and extra headers travel as given; those of every call win', async () => {
    const server = await phosphoServer(() => ({ body: COMPARISON }));
    const { http } = clientFor(server.url);
    const body = new TextEncoder().encode('{"é":1}');
    const headers = { 'idempotency-key': 'k', authorization: 'Bearer other' };
    await http.request({ method: 'POST', path: '/any', body, headers });
    expect(server.seen[0]?.body).toEqual({ é: 1 });
    expect(server.seen[0]?.headers).toMatchObject({
      'idempotency-key': 'k',
      authorization: `Bearer ${KEY}`,
    });
  });

  it('a POST is tried again where that is asked for', async () => {
    let calls = 0;
    const server = await phosphoServer(() => (++calls === 1 ? { status: 503 } : { body: TASK }));
    const { http } = clientFor(server.url);
    expect(await http.request({ method: 'POST', path: '/any', retry: true })).toEqual(TASK);
  });
});

describe('a process', () => {
  const script = (code: string) =>
    run(
      process.execPath,
      ['--input-type=module', '-e', `import { Client } from ${JSON.stringify(entry)}; ${code}`],
      {
        env: { ...process.env, PHOSPHO_API_KEY: KEY, PHOSPHO_PROJECT_ID: 'p' },
        timeout: 15_000,
      },
    );

  it('that makes one call and does nothing else exits by itself, with its connection still open', async () => {
    const server = await phosphoServer(() => ({
      body: TASK,
      headers: { 'keep-alive': 'timeout=600' },
    }));
    const { stdout } = await script(`
      const client = new Client({ baseUrl: ${JSON.stringify(server.url)} });
      const task = await client.tasks.get('t1');
      await task.flag('success');
      const from = performance.now();
      process.on('exit', (code) => console.log(JSON.stringify({ id: task.id, code, ms: performance.now() - from })));
    `);
    const { id, code, ms } = JSON.parse(stdout);
    expect({ id, code }).toEqual({ id: 't1', code: 0 });
    expect(ms).toBeLessThan(1000);
  });

  it('that makes no call does not load undici', async () => {
    const { stdout } = await script(`
      import { createRequire } from 'node:module';
      const { cache } = createRequire(import.meta.url);
      const loaded = () => Object.keys(cache).some((file) => /node_modules.undici/.test(file));
      const client = new Client({ baseUrl: 'http://127.0.0.1:9' });
      const before = loaded();
      await client.post('/any').catch(() => {});
      console.log(before, loaded());
    `);
    expect(stdout.trim()).toBe('false true');
  });
});
