import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, createServer } from 'node:net';
import { PhosphoConnectionError } from 'phospho-express';
import { createCollector } from 'phospho-express/collector';
import { describe, expect, it } from 'vitest';
import { illServer, storing } from './helpers/ill-server.ts';
import { surviveOutage } from './helpers/outage.ts';
import { TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const losses: [string, (response: ServerResponse, answer: string) => void][] = [
  ['before its first byte', (response) => response.destroy()],
  ['by a reset', (response) => void response.socket?.resetAndDestroy()],
  [
    'after its head',
    (response, answer) => {
      response.writeHead(200, { 'content-length': Buffer.byteLength(answer) }).flushHeaders();
      setTimeout(() => response.destroy(), 20);
    },
  ],
  [
    'but for its last byte',
    (response, answer) => {
      response.writeHead(200, { 'content-length': Buffer.byteLength(answer) });
      response.write(answer.slice(0, -1), () => response.destroy());
    },
  ],
];

describe.concurrent('a reply that is lost after the events were stored', {
  timeout: TEST_MS,
}, () => {
  it.for(losses)('%s costs nothing, and stores nothing twice', async ([, lose], t) => {
    const { server } = await surviveOutage(t, {
      illness: storing(lose),
      error: PhosphoConnectionError,
    });
    const { storings, stored } = server.double;
    // They were sent again, under the ids by which the server knows them.
    expect(Math.max(...storings.values())).toBeGreaterThan(1);
    expect(storings.size).toBe(stored.size);
  });

  it('to a flag leads to the same flag again, and to no other', async (t) => {
    const server = await illServer(t);
    const { phospho, errors } = watch(t, { baseUrl: server.url });
    phospho.log({ input: 'x', taskId: 'a' });
    await phospho.flush();
    server.double.script = ['stored, then reset', 'stored, then reset'];
    phospho.flag('a', 'failure', { notes: 'wrong' });
    const { flags } = await phospho.flush({ timeoutMs: 60_000 });
    expect(flags).toMatchObject({ captured: 1, delivered: 1, dropped: {} });
    expect(server.double.flags).toHaveLength(3);
    for (const flag of server.double.flags) {
      expect(flag).toMatchObject({ taskId: 'a', flag: 'failure', notes: 'wrong' });
    }
    expect(errors).toEqual([
      expect.any(PhosphoConnectionError),
      expect.any(PhosphoConnectionError),
    ]);
  });

  it('by a proxy before the collector costs nothing: its database has each task once', async (t) => {
    const collector = await createCollector({ database: 'sqlite::memory:', port: 0, project: 'p' });
    await collector.listen();
    t.onTestFinished(() => collector.close());
    let losing = 3;
    const proxy = createServer((client) => {
      const upstream = connect(Number(new URL(collector.url).port), '127.0.0.1');
      for (const socket of [client, upstream]) socket.on('error', () => {});
      client.pipe(upstream);
      upstream.on('data', (answer) => {
        if (losing-- > 0) client.resetAndDestroy();
        else client.write(answer);
      });
      client.on('close', () => upstream.destroy());
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as { port: number };
    const { phospho, drops } = watch(t, {
      apiKey: collector.apiKey ?? '',
      baseUrl: collector.baseUrl.replace(/:\d+/, `:${port}`),
    });
    const ids = Array.from({ length: 150 }, (_, index) => `c${index}`);
    for (const taskId of ids) phospho.log({ input: 'x', output: 'y', taskId });
    const { events } = await phospho.flush({ timeoutMs: 60_000 });
    expect(events).toMatchObject({ captured: 150, delivered: 150, dropped: {} });
    const stored = await phospho.client.tasks.list({ limit: 1_000 });
    expect(stored.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(drops).toEqual([]);
    expect(losing).toBeLessThanOrEqual(0);
  });
});
