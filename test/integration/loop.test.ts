import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Phospho, type PhosphoOptions } from 'phospho-express';
import { type Collector, createCollector } from 'phospho-express/collector';
import { isBalanced } from 'phospho-express/testing';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';

const KEY = 'a key of the tests, long enough to sign with'.replaceAll(' ', '-');
const ASKED = { session_id: 'loop', messages: [{ role: 'user', content: 'Is anybody there?' }] };

let folder: string;
let collector: Collector;
const open: Phospho[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phospho-loop-'));
  collector = await startCollector(0);
});

afterEach(async () => {
  for (const phospho of open.splice(0)) {
    const ledger = await phospho.shutdown({ timeoutMs: 2_000 });
    expect(isBalanced(ledger), JSON.stringify(ledger)).toBe(true);
  }
  await collector.close();
  await rm(folder, { recursive: true });
});

async function startCollector(port: number): Promise<Collector> {
  const made = await createCollector({
    port,
    apiKey: KEY,
    project: 'loop',
    database: `sqlite:${join(folder, 'phospho.db')}`,
  });
  await made.listen();
  return made;
}

function connect(options: PhosphoOptions = {}): Phospho {
  const phospho = new Phospho({
    apiKey: KEY,
    projectId: 'loop',
    baseUrl: collector.baseUrl,
    delivery: { lingerMs: 0 },
    ...options,
  });
  open.push(phospho);
  return phospho;
}

describe.each(EXPRESS_VERSIONS)('app, delivery and collector on %s', (_name, express) => {
  const chatApp = (phospho: Phospho) => {
    const app = express();
    app.use(phospho.router());
    app.use(phospho.middleware());
    app.use(express.json());
    app.post('/chat', (_req, res) => void res.json({ content: 'Yes.' }));
    return app;
  };

  it('stores an exchange and its thumb, which the client reads back', async () => {
    const phospho = connect();
    const app = chatApp(phospho);
    const { headers } = await request(app).post('/chat').send(ASKED).expect(200);
    await request(app)
      .post('/phospho/flag')
      .send({
        task_id: headers['x-phospho-task-id'],
        token: headers['x-phospho-feedback-token'],
        raw_flag: '👎🏽',
        notes: 'my key is sk-abcdefghijklmnop1234',
      })
      .expect(202, { task_id: headers['x-phospho-task-id'], flag: 'failure' });
    const { events, flags } = await phospho.flush();
    expect([events.delivered, flags.delivered]).toEqual([1, 1]);

    const task = await phospho.client.tasks.get(headers['x-phospho-task-id'] ?? '');
    expect(task.content).toMatchObject({
      session_id: 'loop',
      input: 'Is anybody there?',
      output: 'Yes.',
      flag: 'failure',
      notes: 'my key is [credential]',
      last_eval: { value: 'failure', source: 'user' },
      additional_input: ASKED,
    });
    const session = await phospho.client.sessions.get('loop');
    expect(await session.transcript()).toBe('User: Is anybody there?\nAssistant: Yes.\n');
  });

  it('serves on while the collector is down, and delivers when it is back', async () => {
    const phospho = connect({ logLevel: 'silent' });
    const app = chatApp(phospho);
    const port = Number(new URL(collector.url).port);
    await collector.close();
    for (let i = 0; i < 20; i++) await request(app).post('/chat').send(ASKED).expect(200);
    const waiting = await phospho.flush({ timeoutMs: 50 });
    expect(waiting.events).toMatchObject({ captured: 20, delivered: 0, dropped: {} });
    expect(isBalanced(waiting)).toBe(true);

    collector = await startCollector(port);
    const ledger = await phospho.flush();
    expect(ledger.events).toMatchObject({ captured: 20, delivered: 20, dropped: {} });
    expect(await phospho.client.tasks.list()).toHaveLength(20);
  });

  it('keeps a refused event from taking its batch with it', async () => {
    const dropped: unknown[] = [];
    const phospho = connect({
      logLevel: 'silent',
      delivery: { lingerMs: 200 },
      onDrop: (info) => dropped.push(info),
    });
    const tooLong = 'x'.repeat(300);
    phospho.log({ input: 'first' });
    phospho.log({ input: 'refused', taskId: tooLong });
    phospho.log({ input: 'third' });
    const { events } = await phospho.flush();
    expect(events).toMatchObject({ captured: 3, delivered: 2, deadLettered: 1 });
    expect(dropped).toMatchObject([{ kind: 'event', reason: 'refused', taskIds: [tooLong] }]);
    const stored = await phospho.client.tasks.list();
    expect(stored.map((task) => task.content.input).sort()).toEqual(['first', 'third']);
  });

  it('holds a thumb that is given while the answer still streams', async () => {
    const phospho = connect();
    let finish = (): void => {};
    const app = express();
    app.use(phospho.router());
    app.use(phospho.middleware());
    app.use(express.json());
    app.post('/stream', (_req, res) => {
      res.set('Content-Type', 'text/event-stream').write('data: {"content":"Y"}\n\n');
      finish = () => res.end('data: {"content":"es."}\n\n');
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sent = httpRequest({
      port,
      path: '/stream',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    sent.end(JSON.stringify(ASKED));
    const [response] = await once(sent, 'response');
    const taskId: string = response.headers['x-phospho-task-id'];
    await request(server)
      .post('/phospho/flag')
      .send({ token: response.headers['x-phospho-feedback-token'], flag: 'success' })
      .expect(202);
    expect(phospho.stats().flags).toMatchObject({ captured: 1, held: 1, inFlight: 0 });

    finish();
    response.resume();
    await once(response, 'end');
    expect((await phospho.flush()).flags).toMatchObject({ held: 0, delivered: 1 });
    const task = await phospho.client.tasks.get(taskId);
    expect(task.content).toMatchObject({ output: 'Yes.', flag: 'success' });
    server.close();
  });

  it('runs without a key, says so once, counts what it dropped, and starts when one appears', async () => {
    const warnings: string[] = [];
    const note = (message: string): void => void warnings.push(message);
    const silent = (): void => {};
    const phospho = new Phospho({
      baseUrl: collector.baseUrl,
      projectId: 'loop',
      logger: { debug: silent, info: silent, warn: note, error: note },
      feedback: { secret: KEY },
    });
    open.push(phospho);
    const app = chatApp(phospho);
    for (let i = 0; i < 3; i++) {
      const { headers } = await request(app).post('/chat').send(ASKED).expect(200);
      expect(headers).not.toHaveProperty('x-phospho-task-id');
    }
    expect(phospho.stats().events).toMatchObject({ captured: 3, dropped: { unconfigured: 3 } });
    expect(warnings.filter((text) => text.includes('PHOSPHO_API_KEY'))).toHaveLength(1);

    process.env.PHOSPHO_API_KEY = KEY;
    try {
      await request(app).post('/chat').send(ASKED).expect(200);
      expect((await phospho.flush()).events.delivered).toBe(1);
    } finally {
      process.env.PHOSPHO_API_KEY = '';
    }
  });
});
