import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { LogEvent, Phospho } from 'phospho-express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chunks, completion, eventStream } from '../fixtures/openai-chat.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = { messages: [{ role: 'user', content: 'Lisbon in the rain?' }] };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const SSE_TYPE = { 'Content-Type': 'text/event-stream' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

const closers: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const close of closers.splice(0)) close();
});

/** A client that asks, and leaves once the handler has its request and `leaves` resolves. */
async function askAndLeave(
  phospho: Phospho,
  handler: (res: ServerResponse) => void,
): Promise<ServerResponse> {
  const middleware = phospho.middleware();
  let onHandled: (res: ServerResponse) => void;
  const handled = new Promise<ServerResponse>((resolve) => {
    onHandled = resolve;
  });
  const listener: RequestListener = (req, res) =>
    middleware(req, res, () => {
      req.resume().once('end', () => {
        handler(res);
        onHandled(res);
      });
    });
  const server = createServer(listener).listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const body = JSON.stringify(ASKED);
  socket.write(
    `POST /chat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const res = await handled;
  const closed = once(res, 'close');
  socket.destroy();
  await closed;
  return res;
}

/** What has been recorded without a flush, which would end all waiting. */
async function recorded(phospho: Phospho): Promise<number> {
  for (let i = 0; i < 5; i++) await turn();
  return phospho.stats().events.captured;
}

describe('an answer to a client who has left', () => {
  it('is merged into the one record, which says how long the client and the answer took', async () => {
    const { phospho, events } = testPhospho();
    const res = await askAndLeave(phospho, () => {});
    vi.advanceTimersByTime(59_000);
    expect(await recorded(phospho)).toBe(0);
    res.writeHead(200, JSON_TYPE).end(JSON.stringify(completion));
    expect(await recorded(phospho)).toBe(1);
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      output: 'Lisbon is lovely, rain or shine.',
      model: 'gpt-4o-mini-2024-07-18',
      metadata: { outcome: 'aborted', status: 200 },
    });
    expect(event?.metadata?.late_answer_ms).toBeGreaterThanOrEqual(59_000);
    expect(event?.metadata?.latency_ms).toBeLessThan(59_000);
  });

  it('is not waited for longer than a minute', async () => {
    const { phospho, events } = testPhospho();
    const res = await askAndLeave(phospho, () => {});
    vi.advanceTimersByTime(59_900);
    expect(await recorded(phospho)).toBe(0);
    vi.advanceTimersByTime(200);
    expect(await recorded(phospho)).toBe(1);
    res.writeHead(200, JSON_TYPE).end(JSON.stringify(completion));
    expect(await events()).toMatchObject([{ output: null, metadata: { outcome: 'aborted' } }]);
  });

  it('in a stream is taken up to its end, as long as it goes on', async () => {
    const { phospho, events } = testPhospho();
    const [first, ...rest] = eventStream(chunks).match(/.*\n\n/g) ?? [];
    const res = await askAndLeave(phospho, (open) => {
      open.writeHead(200, SSE_TYPE).write(first);
    });
    for (const event of rest) {
      vi.advanceTimersByTime(4_000);
      res.write(event);
    }
    expect(await recorded(phospho)).toBe(0);
    res.end();
    expect(await events()).toMatchObject([
      { output: 'Lisbon is lovely, rain or shine.', metadata: { outcome: 'aborted' } },
    ]);
  });

  it('in a stream that says nothing for five seconds has come to its end', async () => {
    const { phospho, events } = testPhospho();
    await askAndLeave(phospho, (res) => {
      res.writeHead(200, SSE_TYPE).write('data: {"content":"Lisbon is"}\n\n');
    });
    vi.advanceTimersByTime(4_900);
    expect(await recorded(phospho)).toBe(0);
    vi.advanceTimersByTime(200);
    expect(await recorded(phospho)).toBe(1);
    expect(await events()).toMatchObject([{ output: 'Lisbon is' }]);
  });

  it.each<[string, (phospho: Phospho) => Promise<unknown>]>([
    ['flush()', (phospho) => phospho.flush()],
    ['shutdown()', (phospho) => phospho.shutdown()],
  ])('is waited for no longer when %s is called', async (_name, call) => {
    const { phospho, exporter } = testPhospho();
    await askAndLeave(phospho, (res) => {
      res.writeHead(200, SSE_TYPE).write('data: {"content":"Lisbon"}\n\n');
    });
    await call(phospho);
    expect(exporter.events).toMatchObject([{ output: 'Lisbon', metadata: { outcome: 'aborted' } }]);
  });

  it('is waited for by a thousand exchanges at most: beyond, the oldest is recorded', async () => {
    const { phospho, events } = testPhospho();
    const middleware = phospho.middleware();
    const server = createServer((req, res) => middleware(req, res, () => res.flushHeaders()));
    closers.push(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const body = JSON.stringify(ASKED);
    const one = `POST /c HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    let closed = 0;
    server.on('request', (_req, res) => res.once('close', () => closed++));
    for (let i = 0; i < 1_005; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.write(one);
      await once(socket, 'data');
      socket.destroy();
    }
    while (closed < 1_005) await turn();
    expect(await recorded(phospho)).toBe(5);
    expect(await events()).toHaveLength(1_005);
  });
});

describe('req.phospho.signal', () => {
  it('aborts when the client leaves, with an AbortError', async () => {
    const { phospho } = testPhospho();
    let signal: AbortSignal | undefined;
    const res = await askAndLeave(phospho, (open) => {
      signal = (open.req as { phospho?: { signal: AbortSignal } }).phospho?.signal;
      expect(signal?.aborted).toBe(false);
    });
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toMatchObject({ name: 'AbortError' });
    const late = (res.req as { phospho?: { signal: AbortSignal } }).phospho?.signal;
    expect(late).toBe(signal);
  });

  it('is aborted, too, where it is first asked for afterwards', async () => {
    const { phospho } = testPhospho();
    const res = await askAndLeave(phospho, () => {});
    expect((res.req as { phospho?: { signal: AbortSignal } }).phospho?.signal.aborted).toBe(true);
  });

  it('never aborts where the answer arrived', async () => {
    const { phospho, events } = testPhospho();
    const middleware = phospho.middleware();
    let signal: AbortSignal | undefined;
    const server = createServer((req, res) =>
      middleware(req, res, () => {
        signal = (req as { phospho?: { signal: AbortSignal } }).phospho?.signal;
        res.writeHead(200, JSON_TYPE).end(JSON.stringify(completion));
      }),
    );
    closers.push(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await fetch(`http://127.0.0.1:${port}/chat`, { method: 'POST', body: '{}' }).then((r) =>
      r.text(),
    );
    const all: LogEvent[] = await events();
    expect(all).toHaveLength(1);
    expect(signal?.aborted).toBe(false);
  });
});
