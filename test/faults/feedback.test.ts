import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Phospho, PhosphoOptions, RouterOptions } from 'phospho-express';
import { createCollector } from 'phospho-express/collector';
import { describe, expect, it, vi } from 'vitest';
import { FeedbackTokens } from '../../src/feedback/token.ts';
import { FLAG_APPS, type MakeFlagApp } from '../helpers/flag-apps.ts';
import { expectBalanced, SECRET } from '../helpers/ledger.ts';
import { answering, type Finishing, illServer } from './helpers/ill-server.ts';
import { scaled, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const CLICKS = scaled(400, 10_000);
const MiB = 1024 * 1024;
/** What the limits count by. */
const WINDOW_MS = 60_000;
const hosts = FLAG_APPS.filter(([name]) => name === 'Express 5' || name === 'node:http');
const [, express5] = hosts.find(([name]) => name === 'Express 5') as (typeof hosts)[number];

interface Answer {
  status: number;
  retryAfter: string | undefined;
  text: string;
}

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  isChunked?: boolean;
}

/** An app on a real socket, and a client that keeps 32 connections to it. */
async function appFor(t: Finishing, phospho: Phospho, make: MakeFlagApp, router?: RouterOptions) {
  const server = createServer(make(phospho, router)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  t.onTestFinished(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = ({ method = 'POST', path = '/phospho/flag', headers, body, isChunked }: Sent) =>
    new Promise<Answer>((resolve, reject) => {
      let isAnswered = false;
      const asking = request({ port, path, method, agent, headers }, (response) => {
        isAnswered = true;
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          const retryAfter = response.headers['retry-after'];
          resolve({ status: response.statusCode ?? 0, retryAfter, text });
        });
      });
      // It answers before it has read all, and then cuts the connection: what is still being sent fails.
      asking.on('error', (error) => {
        if (!isAnswered) reject(error);
      });
      if (isChunked) asking.flushHeaders();
      asking.end(body);
    });
  const flag = (fields: object, headers: Record<string, string> = {}) =>
    ask({
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ flag: 'success', ...fields }),
    });
  return { ask, flag };
}

async function setUp(t: Finishing, make: MakeFlagApp, options: PhosphoOptions = {}) {
  const server = await illServer(t);
  const watched = watch(t, { baseUrl: server.url, feedback: { secret: SECRET }, ...options });
  server.onRequest = watched.check;
  return { ...watched, server, ...(await appFor(t, watched.phospho, make)) };
}

/** So many at a time as there are connections. */
async function all<T>(count: number, one: (index: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      answers[index] = await one(index);
    }
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return answers;
}

async function spoolDir({ onTestFinished }: Finishing): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'phospho-feedback-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function textsIn(dir: string): Promise<string> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
  return (await Promise.all(paths.map((path) => readFile(path, 'utf8')))).join('\n');
}

describe.concurrent.each(hosts)(
  'feedback on a real socket, %s',
  { timeout: TEST_MS * 2 },
  (_, make) => {
    it('refuses what is forged, expired, foreign, too long or fetched ahead; nothing goes upstream', async (t) => {
      const { phospho, server, ask, flag } = await setUp(t, make);
      const token = phospho.feedbackToken('mine');
      const foreign = watch(t, { baseUrl: server.url, feedback: { secret: `${SECRET}!` } });
      const expired = new FeedbackTokens([SECRET]).sign('mine', { expiresInMs: -1_000 });
      const statusOf = async (answer: Promise<Answer>) => (await answer).status;
      expect(await statusOf(flag({ token: `${token.slice(0, -1)}!` }))).toBe(401);
      expect(await statusOf(flag({ token: foreign.phospho.feedbackToken('mine') }))).toBe(401);
      expect(await statusOf(flag({ token, task_id: 'other' }))).toBe(403);
      const json = { 'content-type': 'application/json' };
      const body = 'x'.repeat(MiB);
      for (const isChunked of [false, true]) {
        expect(await statusOf(ask({ headers: json, body, isChunked }))).toBe(413);
      }
      const path = `/phospho/flag?token=${token}&flag=success`;
      const prefetch = { 'sec-purpose': 'prefetch', purpose: 'prefetch' };
      expect(await statusOf(ask({ method: 'GET', path, headers: prefetch }))).toBe(405);
      expect(await statusOf(flag({ token: expired }))).toBe(401);
      expect((await phospho.flush()).flags.captured).toBe(0);
      expect(server.double.asked).toEqual([]);
      expect((await ask({ method: 'GET', path: '/' })).text).toBe('here');
    });

    it('takes a beacon, and a token that is replayed makes no second call upstream', async (t) => {
      const { phospho, server, ask, flag } = await setUp(t, make);
      const token = phospho.feedbackToken('mine');
      const body = JSON.stringify({ token, flag: 'failure' });
      const headers = { 'content-type': 'text/plain;charset=UTF-8' };
      expect((await ask({ headers, body })).status).toBe(202);
      for (let n = 0; n < 5; n++) {
        await phospho.flush();
        expect((await flag({ token, flag: 'failure' })).status).toBe(202);
      }
      const { flags } = await phospho.flush();
      expect(server.double.flags).toMatchObject([{ taskId: 'mine', flag: 'failure' }]);
      expect(flags).toMatchObject({ captured: 6, delivered: 1 });
      expectBalanced(phospho.stats());
    });

    it(`answers ${CLICKS} clicks on one thumb, takes thirty a minute, and makes one call upstream`, async (t) => {
      const { phospho, server, ask, flag, drops, errors } = await setUp(t, make);
      const token = phospho.feedbackToken('mine');
      const start = performance.now();
      const answers = await all(CLICKS, (index) =>
        index % 50 === 25
          ? ask({ method: 'GET', path: '/' })
          : flag({ token }, { 'x-forwarded-for': `10.1.${index % 250}.${index >> 8}` }),
      );
      const windows = 1 + Math.floor((performance.now() - start) / WINDOW_MS);
      const of = (status: number) => answers.filter((answer) => answer.status === status);
      expect(of(202).length).toBeGreaterThanOrEqual(30);
      expect(of(202).length).toBeLessThanOrEqual(30 * windows);
      for (const { text } of of(200)) expect(text).toBe('here');
      expect(of(202).length + of(429).length + of(200).length).toBe(CLICKS);
      for (const { retryAfter } of of(429)) {
        expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
        expect(Number(retryAfter)).toBeLessThanOrEqual(60);
      }
      const { flags } = await phospho.flush();
      expect(server.double.flags).toMatchObject([{ taskId: 'mine', flag: 'success' }]);
      expect(flags).toMatchObject({ captured: of(202).length, delivered: 1 });
      expectBalanced(phospho.stats());
      expect({ drops, errors }).toEqual({ drops: [], errors: [] });
    });

    it('counts the socket, whatever addresses X-Forwarded-For makes up, for tokens good and bad', async (t) => {
      const { phospho, server, flag } = await setUp(t, make);
      const start = performance.now();
      const answers = await all(CLICKS, (index) => {
        const token = index % 2 === 0 ? phospho.feedbackToken(`t${index}`) : `v1.a.b.${index}.d`;
        return flag(
          { token },
          { 'x-forwarded-for': `2001:db8:${index.toString(16)}::1`, forwarded: 'for=9.9.9.9' },
        );
      });
      const windows = 1 + Math.floor((performance.now() - start) / WINDOW_MS);
      const passed = answers.filter(({ status }) => status === 202 || status === 401);
      expect(passed.length).toBeGreaterThanOrEqual(300);
      expect(passed.length).toBeLessThanOrEqual(300 * windows);
      const taken = answers.filter(({ status }) => status === 202).length;
      const { flags } = await phospho.flush();
      expect(flags).toMatchObject({ captured: taken, delivered: taken });
      expect(server.double.flags).toHaveLength(taken);
    });

    it('lets a user waver: the last of the flags that were taken is the one that stays', async (t) => {
      const { phospho, server, flag } = await setUp(t, make);
      const token = phospho.feedbackToken('mine');
      let last: string | undefined;
      for (let n = 0; n < 40; n++) {
        const wish = n % 2 === 0 ? 'success' : 'failure';
        if ((await flag({ token, flag: wish })).status === 202) last = wish;
      }
      const { flags } = await phospho.flush();
      expect(server.double.flags.at(-1)?.flag).toBe(last);
      expect(flags.captured).toBeGreaterThanOrEqual(30);
      expect(flags).toMatchObject({ held: 0, queued: 0, inFlight: 0, deadLettered: 0 });
      expectBalanced(phospho.stats());
    });

    it('in an outage keeps as many as it may, tells of the rest, and the answers stay the same', async (t) => {
      const limit = scaled(50, 1_000);
      const limits = { perAddress: 1_000_000 };
      const { phospho, server, flag, drops } = await setUp(t, make, {
        delivery: { maxQueueEvents: limit },
        feedback: { secret: SECRET, limits },
      });
      server.infect(answering(503));
      const answers = await all(CLICKS, (n) => flag({ token: phospho.feedbackToken(`t${n}`) }));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
      const { flags } = phospho.stats();
      expect(flags.queued + flags.inFlight).toBeLessThanOrEqual(limit + 2);
      server.heal();
      const after = (await phospho.flush({ timeoutMs: 60_000 })).flags;
      expect(after.delivered + (after.dropped.queue_full ?? 0)).toBe(CLICKS);
      expect(drops.reduce((sum, { count }) => sum + count, 0)).toBe(after.dropped.queue_full);
      expect(server.double.flags).toHaveLength(after.delivered);
    });
  },
);

describe.concurrent('a flag by the route', { timeout: TEST_MS }, () => {
  it('to a replica that did not issue its token waits at the collector until the other has sent the task', async (t) => {
    const collector = await createCollector({ database: 'sqlite::memory:', port: 0, project: 'p' });
    await collector.listen();
    t.onTestFinished(() => collector.close());
    const options = {
      apiKey: collector.apiKey ?? '',
      baseUrl: collector.baseUrl,
      feedback: { secret: SECRET },
    };
    const issuer = watch(t, { ...options, delivery: { lingerMs: 60_000 } });
    const other = watch(t, options);
    const { flag } = await appFor(t, other.phospho, express5);
    issuer.phospho.log({ input: 'x', output: 'y', taskId: 'mine' });
    const token = issuer.phospho.feedbackToken('mine');
    expect((await flag({ token, notes: 'good' })).status).toBe(202);
    await vi.waitFor(() => expect(other.phospho.stats().flags.inFlight).toBe(1), 10_000);
    await issuer.phospho.flush();
    const { flags } = await other.phospho.flush();
    expect(flags).toMatchObject({ captured: 1, delivered: 1, deadLettered: 0, dropped: {} });
    const { content } = await issuer.phospho.client.tasks.get('mine');
    expect(content).toMatchObject({ flag: 'success', notes: 'good' });
  });

  it('while the server is away survives a restart, masked, and goes after its task', async (t) => {
    const dir = await spoolDir(t);
    const server = await illServer(t, answering(503));
    const options = { baseUrl: server.url, spool: { dir }, feedback: { secret: SECRET } };
    const before = watch(t, options);
    const { flag } = await appFor(t, before.phospho, express5);
    before.phospho.log({ input: 'x', taskId: 'mine' });
    const token = before.phospho.feedbackToken('mine');
    await flag({ token, flag: 'success' });
    const notes = 'my key is sk-0123456789abcdefghij';
    expect((await flag({ token, flag: 'failure', notes })).status).toBe(202);
    const left = await before.phospho.shutdown({ timeoutMs: 0 });
    expectBalanced(left);
    expect(left.flags).toMatchObject({ captured: 2, spooled: 1, dropped: { superseded: 1 } });
    expect(await textsIn(dir)).not.toContain('sk-01');
    server.heal();
    const after = watch(t, options);
    await vi.waitFor(() => expect(server.double.flags).toHaveLength(1), 10_000);
    expect(server.double.asked.at(-2)?.ids).toEqual(['mine']);
    expect(server.double.flags).toMatchObject([
      { flag: 'failure', notes: 'my key is [credential]' },
    ]);
    const { flags } = await after.phospho.flush();
    expect(flags).toMatchObject({ recovered: 1, delivered: 1, spooled: 0, dropped: {} });
  });

  it.for([
    ['refused', 404, 'which the server has waited for in vain'],
    ['task_lost', 422, 'which the server has refused'],
  ] as const)(
    'for a task that never arrives is a dead letter (%s), masked',
    async ([reason, status], t) => {
      const dir = await spoolDir(t);
      const server = await illServer(t);
      server.double.behave = ({ path }) =>
        status === 422 || path.endsWith('/flag') ? { status } : undefined;
      const watched = watch(t, {
        baseUrl: server.url,
        spool: { dir },
        feedback: { secret: SECRET },
      });
      const { phospho, drops } = watched;
      const { flag } = await appFor(t, phospho, express5);
      if (reason === 'task_lost') phospho.log({ input: 'x', taskId: 'lost' });
      const notes = 'my key is sk-0123456789abcdefghij';
      const answer = await flag({ token: phospho.feedbackToken('lost'), notes });
      expect(answer.status).toBe(202);
      const { flags } = await phospho.flush({ timeoutMs: 60_000 });
      expect(flags).toMatchObject({
        captured: 1,
        deadLettered: 1,
        held: 0,
        queued: 0,
        dropped: {},
      });
      expect(drops).toContainEqual(
        expect.objectContaining({ kind: 'flag', reason, taskIds: ['lost'] }),
      );
      const letters = (await readFile(join(dir, 'dead-letters.jsonl'), 'utf8')).trim().split('\n');
      const kept = letters.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'flag');
      expect(kept).toMatchObject([
        { task_id: 'lost', reason, flag: { flag: 'success', notes: 'my key is [credential]' } },
      ]);
      expect(`${JSON.stringify(drops)}${await textsIn(dir)}`).not.toContain('sk-01');
    },
  );
});
