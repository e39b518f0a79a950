import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import express from 'express';
import { type Ledger, PhosphoConfigError, PhosphoError } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it, vi } from 'vitest';
import { expectBalanced, SECRET } from '../helpers/ledger.ts';
import { startChild } from './helpers/child.ts';
import { answering, illServer } from './helpers/ill-server.ts';
import { expectAllStored } from './helpers/outage.ts';
import { TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const ASKED = { messages: [{ role: 'user', content: 'Lisbon in the rain?' }] };

describe.concurrent('one record for a request', { timeout: TEST_MS }, () => {
  it('whose middleware is mounted on the app, on a router and on a route', async (t) => {
    const server = await illServer(t);
    const { phospho } = watch(t, { baseUrl: server.url });
    const router = express.Router().use(phospho.middleware(), express.json());
    router.post('/chat', phospho.middleware(), (_req, res) => void res.json({ content: 'Yes' }));
    const app = express().use(phospho.middleware(), phospho.middleware()).use(router);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => request(app).post('/chat').send(ASKED)),
    );
    await vi.waitFor(() => expect(phospho.stats().events.captured).toBe(20));
    await phospho.flush();
    expectAllStored(
      server,
      answers.map(({ headers }) => `${headers['x-phospho-task-id']}`),
    );
  });

  it('over HTTP/2 with two mounts, also for a stream that its client resets', async (t) => {
    const server = await illServer(t);
    const { phospho } = watch(t, { baseUrl: server.url });
    const [outer, inner] = [phospho.middleware(), phospho.middleware()];
    const app = createHttp2Server((req, res) =>
      outer(req as never, res as never, () =>
        inner(req as never, res as never, async () => {
          await once(req.resume(), 'end');
          res.writeHead(200, { 'content-type': 'text/event-stream' });
          res.write('data: {"content":"Take "}\n\n');
          if (req.url === '/whole') res.end('data: {"content":"an umbrella"}\n\n');
        }),
      ),
    ).listen(0, '127.0.0.1');
    await once(app, 'listening');
    t.onTestFinished(() => void app.close());
    const client = connectHttp2(`http://127.0.0.1:${(app.address() as AddressInfo).port}`);
    for (const path of ['/whole', '/reset']) {
      const head = { ':method': 'POST', ':path': path, 'content-type': 'application/json' };
      const stream = client.request(head);
      stream.end(JSON.stringify(ASKED));
      await once(stream, 'data');
      if (path === '/reset') stream.close(8);
      await once(stream.resume(), 'close');
    }
    client.close();
    await vi.waitFor(async () => expect((await phospho.flush()).events.captured).toBe(2));
    const outputs = [...server.double.stored.values()].map(({ output, metadata }) => [
      output,
      metadata?.outcome,
    ]);
    expect(outputs).toEqual([
      ['Take an umbrella', 'complete'],
      ['Take ', 'aborted'],
    ]);
  });
});

const built = fileURLToPath(new URL('../../dist/index.cjs', import.meta.url));
const needsBuild = existsSync(built) ? '' : ' (skipped: needs `npm run build`)';

describe.skipIf(needsBuild !== '')(`two copies of the package in one process${needsBuild}`, () => {
  const load = () => createRequire(import.meta.url)(built) as typeof import('phospho-express');

  it('record a request once, and a call of one within a task of the other as its step', async (t) => {
    const other = load();
    const [first, second] = [await illServer(t), await illServer(t)];
    const { phospho } = watch(t, { baseUrl: first.url });
    const copy = new other.Phospho({
      apiKey: 'key-of-the-other',
      projectId: 'p',
      baseUrl: second.url,
      logLevel: 'silent',
    });
    t.onTestFinished(async () => void (await copy.shutdown()));
    const lookUp = other.wrap(async (city: string) => `${city}: rain`, { name: 'lookUp' });
    const app = express().use(phospho.middleware(), copy.middleware(), express.json());
    app.post('/chat', async (_req, res) => void res.json({ content: await lookUp('Lisbon') }));
    const { headers } = await request(app).post('/chat').send(ASKED);
    await vi.waitFor(() => expect(phospho.stats().events.captured).toBe(1));
    await Promise.all([phospho.flush(), copy.flush()]);
    expectAllStored(first, [`${headers['x-phospho-task-id']}`]);
    expect([...first.double.stored.values()]).toMatchObject([{ steps: [{ name: 'lookUp' }] }]);
    expectAllStored(second, []);
    expectBalanced(copy.stats());
  });

  it('know the errors of each other', () => {
    const other = load();
    const make = () => new other.Phospho({ delivery: { concurrency: 99 } });
    expect(make).toThrow(PhosphoConfigError);
    expect(make).toThrow(PhosphoError);
  });
});

describe.concurrent('worker threads', { timeout: TEST_MS }, () => {
  const script = new URL('children/worker-entry.mjs', import.meta.url);
  const start = (url: string, data: object) =>
    new Worker(script, {
      workerData: { options: { apiKey: 'key', projectId: 'p', baseUrl: url }, ...data },
    });

  it('have a delivery each, and all of it arrives', async (t) => {
    const server = await illServer(t);
    const names = ['a', 'b', 'c', 'd'];
    const ledgers = await Promise.all(
      names.map(async (name) => {
        const [ledger] = await once(start(server.url, { name, count: 150 }), 'message');
        return ledger as Ledger;
      }),
    );
    for (const ledger of ledgers) {
      expectBalanced(ledger);
      expect(ledger.events).toMatchObject({ captured: 150, delivered: 150, dropped: {} });
      expect(ledger.flags).toMatchObject({ captured: 15, delivered: 15, dropped: {} });
    }
    expectAllStored(
      server,
      names.flatMap((name) => Array.from({ length: 150 }, (_, n) => `${name}-${n}`)),
    );
    expect(server.double.flags).toHaveLength(60);
  });

  it('may be terminated in the middle of an outage, which ends no other delivery', async (t) => {
    const server = await illServer(t, answering(503));
    const { phospho } = watch(t, { baseUrl: server.url });
    phospho.log({ input: 'x', taskId: 'main' });
    const worker = start(server.url, { name: 'w', count: 500, leaves: true });
    const errors: unknown[] = [];
    worker.on('error', (error) => errors.push(error));
    const [ledger] = await once(worker, 'message');
    expectBalanced(ledger as Ledger);
    await worker.terminate();
    server.heal();
    await phospho.flush({ timeoutMs: 15_000 });
    expect([...server.double.stored.keys()]).toContain('main');
    expect(errors).toEqual([]);
  });
});

describe('a cluster of four', { timeout: TEST_MS * 2 }, () => {
  it('records each request once, takes the flags of each other’s tokens, and each process balances its own ledger', async (t) => {
    const server = await illServer(t);
    const { ledgers, codes, answers } = await startChild<{
      ledgers: Ledger[];
      codes: number[];
      answers: { text: string; flagged: number; byAnother: boolean }[];
    }>(t, 'cluster', { PHOSPHO_BASE_URL: server.url, PHOSPHO_FEEDBACK_SECRET: SECRET }).answer;
    expect(codes).toEqual([0, 0, 0, 0]);
    for (const ledger of ledgers) {
      expectBalanced(ledger);
      const { captured, delivered, dropped } = ledger.events;
      expect({ delivered, dropped }).toEqual({ delivered: captured, dropped: {} });
    }
    const captured = ledgers.reduce((sum, { events }) => sum + events.captured, 0);
    expect(captured).toBe(answers.length);
    expect(server.double.stored.size).toBe(captured);
    expect(Math.max(...server.double.storings.values())).toBe(1);
    // Otherwise it was no cluster that was tested.
    expect(new Set(answers.map(({ text }) => text)).size).toBeGreaterThan(1);
    expect(answers.some(({ byAnother }) => byAnother)).toBe(true);
    for (const { flagged } of answers) expect(flagged).toBe(202);
    const flags = ledgers.map((ledger) => ledger.flags);
    for (const { captured, delivered } of flags) expect(delivered).toBe(captured);
    expect(flags.reduce((sum, { captured }) => sum + captured, 0)).toBe(answers.length);
    const flagged = server.double.flags.map(({ taskId }) => taskId);
    expect(flagged.sort()).toEqual([...server.double.stored.keys()].sort());
  });
});
