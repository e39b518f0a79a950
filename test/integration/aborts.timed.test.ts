import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { EventResult, Exporter, Middleware, QueuedEvent } from 'phospho-express';
import { afterEach, describe, expect, it } from 'vitest';
import { scaled } from '../faults/helpers/scale.ts';
import { testPhospho } from '../helpers/phospho.ts';

const BODY = JSON.stringify({ messages: [{ role: 'user', content: 'Lisbon in the rain?' }] });
const HEAD = [
  'POST /chat HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/json',
  `Content-Length: ${BODY.length}`,
];
const REQUEST = [...HEAD, '', BODY].join('\r\n');
const MiB = 1024 * 1024;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(listener: RequestListener): Promise<[Server, number]> {
  const server = createServer(listener);
  closers.push(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return [server, (server.address() as AddressInfo).port];
}

const behind =
  (middleware: Middleware | undefined, handler: RequestListener): RequestListener =>
  (req, res) => {
    if (middleware) middleware(req, res, () => handler(req, res));
    else handler(req, res);
  };

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

describe('a client that has stalled', () => {
  /** How much of 64 MiB is read from its source while nobody reads the answer. */
  async function readWhileStalled(
    middleware: Middleware | undefined,
    path: string,
  ): Promise<number> {
    const source = createReadStream(path);
    const [server, port] = await listen(
      behind(middleware, (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/plain' });
        source.pipe(res);
      }),
    );
    const closed = new Promise((resolve) =>
      server.once('connection', (on) => on.once('close', resolve)),
    );
    const socket = await dial(port);
    socket.pause();
    socket.write(REQUEST);
    // As long as it takes until no more is read.
    for (let before = -1; before !== source.bytesRead || before === 0; await sleep(100)) {
      before = source.bytesRead;
    }
    socket.destroy();
    await closed;
    await once(source.destroy(), 'close');
    return source.bytesRead;
  }

  it('is sent no more than without us: the source of a pipe waits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'phospho-pipe-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'answer.txt');
    writeFileSync(path, '');
    truncateSync(path, 64 * MiB);
    const { phospho } = testPhospho();
    const middleware = phospho.middleware({ publish: 'none' });
    // What the kernel takes differs by a few chunks from one connection to the next.
    const without = Math.max(
      ...(await Promise.all([1, 2, 3].map(() => readWhileStalled(undefined, path)))),
    );
    const behindUs = await Promise.all([1, 2, 3].map(() => readWhileStalled(middleware, path)));
    expect(without).toBeLessThan(16 * MiB);
    expect(Math.min(...behindUs)).toBeLessThanOrEqual(without + 256 * 1024);
    await phospho.flush();
    expect(phospho.stats().events.captured).toBe(3);
  });
});

describe('requests that are aborted at any point', () => {
  const COUNT = scaled(1_000, 10_000);
  const CONNECTIONS = 50;

  /** From the middle of the request to after the end of the answer. */
  async function abortOne(port: number, point: number): Promise<boolean> {
    const socket = await dial(port);
    const closed = once(socket, 'close');
    const sent = point < 0.2 ? Math.floor(REQUEST.length * point * 5) : REQUEST.length;
    socket.write(REQUEST.slice(0, sent));
    if (point < 0.4) await turn();
    else {
      await once(socket, 'data');
      for (let turns = Math.floor((point - 0.4) * 10); turns > 0; turns--) await turn();
    }
    socket.destroy();
    await closed;
    return sent === REQUEST.length;
  }

  it('are recorded once each, and leave nothing behind: no memory, no timers, no listeners', async () => {
    const exporter = new CountingExporter();
    const { phospho } = testPhospho({ exporter, delivery: { lingerMs: 0 } });
    let handled = 0;
    let asked = 0;
    let open = 0;
    const handler: RequestListener = async (req, res) => {
      open += 1;
      handled += 1;
      res.once('close', () => {
        open -= 1;
        // Of a body that broke off nobody can tell what it was.
        if (req.complete) asked += 1;
      });
      req.resume();
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      for (let i = 0; i < 5 && !res.destroyed; i++) {
        res.write('data: {"content":"Lisbon "}\n\n');
        await turn();
      }
      // Half of the apps notice that nobody is there.
      if (handled % 2 === 0) res.end();
      else res.destroy();
    };
    const [server, port] = await listen(behind(phospho.middleware(), handler));
    const gc = exposeGc();
    const resources = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    let heapBefore = 0;
    const timersBefore = resources();
    const listenersBefore = server.eventNames().map((name) => server.listenerCount(name));
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let done = 0; done < COUNT; done += CONNECTIONS) {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => abortOne(port, random())));
      if (done === Math.floor(COUNT / 5 / CONNECTIONS) * CONNECTIONS) {
        while (open > 0) await turn();
        await phospho.flush();
        gc();
        heapBefore = process.memoryUsage().heapUsed;
      }
    }
    while (open > 0) await turn();
    const { events } = await phospho.flush();
    expect(exporter).toMatchObject({ count: asked, different: asked });
    expect(events.delivered).toBe(events.captured);
    expect(exporter.aborted).toBeGreaterThan(COUNT / 4);
    gc();
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(4 * MiB);
    expect(resources()).toBeLessThanOrEqual(timersBefore + 1);
    expect(server.eventNames().map((name) => server.listenerCount(name))).toEqual(listenersBefore);
  }, 300_000);
});

/** Keeps nothing but a trace of each id. */
class CountingExporter implements Exporter {
  count = 0;
  aborted = 0;
  readonly #ids = new Set<number>();

  get different(): number {
    return this.#ids.size;
  }

  async export(batch: readonly QueuedEvent[]): Promise<EventResult[]> {
    for (const { taskId, json } of batch) {
      this.count += 1;
      // 52 bits of it, of which 40 are random.
      this.#ids.add(Number.parseInt(taskId.slice(-13).replace('-', ''), 16));
      if (json.includes('"outcome":"aborted"')) this.aborted += 1;
    }
    return batch.map(() => ({ ok: true }));
  }

  async flag(): Promise<void> {}
}

function exposeGc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
