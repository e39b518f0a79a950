import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import {
  PhosphoAnswerError,
  PhosphoClientError,
  PhosphoConnectionError,
  PhosphoServerError,
  PhosphoTimeoutError,
} from 'phospho-express';
import { describe, expect, it, vi } from 'vitest';
import {
  expectLastWords,
  flagSteadily,
  surviveFlagOutage,
  withTasks,
} from './helpers/flag-outage.ts';
import {
  answering,
  type Finishing,
  type Illness,
  illServer,
  storing,
} from './helpers/ill-server.ts';
import { isFull, OUTAGE_MS, requestsIn, scaled, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

/** Far longer than any pause here. */
const FLUSH = { timeoutMs: 60_000 };

describe.concurrent('flags, while the server', { timeout: TEST_MS }, () => {
  it('is away, cost nothing, and it is asked ever more rarely', async (t) => {
    const tasks = await withTasks(t);
    const { server, errors } = tasks;
    await server.stop();
    const { given, elapsedMs } = await flagSteadily(tasks, OUTAGE_MS);
    expect(errors.length).toBeLessThanOrEqual(requestsIn(elapsedMs));
    await server.listen();
    await expectLastWords(tasks, server, given);
    for (const error of errors) expect(error).toBeInstanceOf(PhosphoConnectionError);
  });

  it.for([500, 502, 503, 504])('answers %i, cost nothing', async (status, t) => {
    await surviveFlagOutage(t, { illness: answering(status), error: PhosphoServerError });
  });

  it.for([408, 425, 429])('answers %i, cost nothing', async (status, t) => {
    await surviveFlagOutage(t, { illness: answering(status), error: PhosphoClientError });
  });

  it.for([401, 403])('answers %i, wait until the settings are mended', async (status, t) => {
    const tasks = await withTasks(t);
    const { server, errors, phospho } = tasks;
    server.infect(answering(status));
    const { given } = await flagSteadily(tasks, scaled(300, 3_000));
    // Two that were under way: the next probe is a minute off.
    expect(server.attempts).toBeLessThanOrEqual(2);
    for (const error of errors) expect(error).toBeInstanceOf(PhosphoClientError);
    server.heal();
    const { flags } = await phospho.shutdown({ timeoutMs: 15_000 });
    expect(flags).toMatchObject({ delivered: given.size, deadLettered: 0, held: 0, queued: 0 });
  });

  it('takes no tasks either, wait for theirs, and arrive behind them', async (t) => {
    const server = await illServer(t, answering(503));
    const watched = watch(t, { baseUrl: server.url });
    const { phospho } = watched;
    const early: string[] = [];
    server.onRequest = watched.check;
    server.double.onAsked = ({ path }) => {
      const [, id = ''] = /\/tasks\/(\w+)\/flag/.exec(path) ?? [];
      if (id !== '' && !server.double.stored.has(id)) early.push(id);
    };
    const ids = Array.from({ length: 50 }, (_, index) => `h${index}`);
    for (const taskId of ids) {
      phospho.log({ input: 'x', taskId });
      phospho.flag(taskId, 'failure');
      phospho.flag(taskId, 'success');
    }
    await phospho.flush({ timeoutMs: scaled(500, 5_000) });
    expect(phospho.stats().flags).toMatchObject({ captured: 100, held: 50, inFlight: 0 });
    server.heal();
    await expectLastWords(watched, server, new Map(ids.map((id) => [id, 'success'])));
    expect(server.double.flags).toHaveLength(50);
    expect(early).toEqual([]);
  });
});

describe.concurrent('a flag answered by 429 whose Retry-After', { timeout: TEST_MS }, () => {
  const PAUSE_S = scaled(2, 5);

  /** Milliseconds between the answer to the first request and the next one. */
  async function pauseAfter(t: Finishing, retryAfter: () => string): Promise<number> {
    const server = await illServer(t);
    const at: number[] = [];
    server.onRequest = () => void at.push(performance.now());
    server.double.script = [{ status: 429, headers: { 'retry-after': retryAfter() } }];
    const { phospho, errors, drops } = watch(t, { baseUrl: server.url });
    phospho.flag('a', 'success');
    const { flags } = await phospho.flush(FLUSH);
    expect(flags).toMatchObject({ captured: 1, delivered: 1, dropped: {} });
    expect(server.double.flags).toHaveLength(1);
    expect(errors).toEqual([expect.any(PhosphoClientError)]);
    expect(drops).toEqual([]);
    return (at[1] ?? Number.NaN) - (at[0] ?? Number.NaN);
  }

  it('is in seconds is kept to', async (t) => {
    expect(await pauseAfter(t, () => `${PAUSE_S}`)).toBeGreaterThanOrEqual(PAUSE_S * 1_000);
  });

  it('is an HTTP date is kept to, which knows whole seconds only', async (t) => {
    const date = () => new Date(Date.now() + PAUSE_S * 1_000).toUTCString();
    expect(await pauseAfter(t, date)).toBeGreaterThanOrEqual(PAUSE_S * 1_000 - 1_050);
  });

  it.for(['0', 'Thu, 01 Jan 1970 00:00:00 GMT'])('is over (%s) is a second', async (text, t) => {
    expect(await pauseAfter(t, () => text)).toBeGreaterThanOrEqual(999);
  });

  it.for(['soon', '-5', '1e3', ''])('is garbage (%s) is as if there were none', async (text, t) => {
    // The first backoff is half a second at most; a busy machine adds to it.
    expect(await pauseAfter(t, () => text)).toBeLessThan(5_000);
  });

  it('is in the far future silences flags, and not tasks; a shutdown tries once more', async (t) => {
    const server = await illServer(t);
    server.double.behave = ({ path }) =>
      path.endsWith('/flag')
        ? { status: 429, headers: { 'retry-after': '1000000000' } }
        : undefined;
    const { phospho, drops } = watch(t, { baseUrl: server.url });
    const asked = () => server.double.asked.filter(({ path }) => path.endsWith('/flag')).length;
    phospho.flag('a', 'success');
    await server.double.arrived(1);
    phospho.log({ input: 'x', taskId: 'b' });
    await phospho.flush({ timeoutMs: OUTAGE_MS });
    expect(server.double.stored.has('b')).toBe(true);
    expect(asked()).toBe(1);
    const { flags } = await phospho.shutdown(FLUSH);
    expect(asked()).toBe(2);
    expect(flags).toMatchObject({ captured: 1, dropped: { shutdown: 1 } });
    expect(drops).toMatchObject([{ kind: 'flag', reason: 'shutdown', taskIds: ['a'] }]);
  });
});

/** Milliseconds an attempt of a flag takes at most, and what a busy machine may add: the server may hold it for 31 s. */
const ATTEMPT_MS = 40_000;
const LATE_MS = 1_500;
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n';

describe.concurrent('a flag that hangs', { timeout: scaled(TEST_MS, 120_000) }, () => {
  const hangs: [string, Illness][] = [
    ['without an answer', () => {}],
    ['with its request unread', ({ socket }) => void socket.pause()],
    ['after the headers', ({ socket }) => void socket.write(`${HEAD}\r\n`)],
    [
      'a byte a second',
      ({ socket }) => {
        socket.write(`${HEAD}\r\n`);
        const timer = setInterval(() => void socket.write(' '), 1_000);
        socket.once('close', () => clearInterval(timer));
      },
    ],
  ];

  it.for(hangs)('%s keeps neither tasks nor other flags waiting', async ([, hang], t) => {
    const server = await illServer(t, (request, response, double) => {
      if (request.url?.includes('/slow/')) hang(request, response, double);
      else void double.answer(request, response);
    });
    const { phospho } = watch(t, { baseUrl: server.url });
    phospho.flag('slow', 'success');
    for (let n = 0; n < 20; n++) {
      phospho.flag(`e${n}`, 'failure');
      phospho.log({ input: 'x', taskId: `t${n}` });
    }
    const delivered = () => {
      const { events, flags } = phospho.stats();
      return [events.delivered, flags.delivered];
    };
    await vi.waitFor(() => expect(delivered()).toEqual([20, 20]), 10_000);
    expect(phospho.stats().flags).toMatchObject({ inFlight: 1, queued: 0 });
    // A change of mind waits for what is under way: it must not be overtaken.
    phospho.flag('slow', 'failure');
    expect(phospho.stats().flags).toMatchObject({ inFlight: 1, queued: 1 });
    const { flags } = await phospho.shutdown({ timeoutMs: 200 });
    expect(flags).toMatchObject({ captured: 22, delivered: 20, dropped: { shutdown: 2 } });
  });

  it.runIf(isFull).for(hangs)('%s is given up after 40 s, and sent again', async ([, hang], t) => {
    const endedAfterMs: number[] = [];
    const server = await illServer(t, (...exchange) => {
      const start = performance.now();
      exchange[0].socket.once('close', () => void endedAfterMs.push(performance.now() - start));
      server.heal();
      hang(...exchange);
    });
    const watched = watch(t, { baseUrl: server.url });
    watched.phospho.flag('a', 'success');
    await expectLastWords(watched, server, new Map([['a', 'success']]));
    expect(watched.errors).toEqual([expect.any(PhosphoTimeoutError)]);
    expect(endedAfterMs).toHaveLength(1);
    expect(endedAfterMs[0]).toBeGreaterThan(ATTEMPT_MS - 500);
    expect(endedAfterMs[0]).toBeLessThan(ATTEMPT_MS + LATE_MS);
  });
});

describe.concurrent('a reply that is lost after the flag was stored', { timeout: TEST_MS }, () => {
  const losses: [string, (response: ServerResponse, answer: string) => void][] = [
    ['before its first byte', (response) => response.destroy()],
    ['by a reset', (response) => void response.socket?.resetAndDestroy()],
    [
      'but for its last byte',
      (response, answer) => {
        response.writeHead(200, { 'content-length': Buffer.byteLength(answer) });
        response.write(answer.slice(0, -1), () => response.destroy());
      },
    ],
  ];

  it.for(losses)(
    '%s leads to the same again, and the last word stays the last',
    async ([, lose], t) => {
      await surviveFlagOutage(t, { illness: storing(lose), error: PhosphoConnectionError });
    },
  );

  it.for(losses)('%s does not hide that a mind was changed back', async ([, lose], t) => {
    const tasks = await withTasks(t);
    const { server, phospho } = tasks;
    phospho.flag('t0', 'success');
    await phospho.flush(FLUSH);
    server.infect(storing(lose));
    phospho.flag('t0', 'failure');
    await vi.waitFor(() => expect(server.double.flags.length).toBeGreaterThan(1), 10_000);
    server.heal();
    phospho.flag('t0', 'success');
    await expectLastWords(tasks, server, new Map([['t0', 'success']]));
  });
});

describe.concurrent('a flag that the server refuses', { timeout: TEST_MS }, () => {
  it.for([400, 404, 409, 410, 413, 422])(
    'by %i is a dead letter at once, once, and costs no other',
    async (status, t) => {
      const tasks = await withTasks(t);
      const { server, phospho, drops, errors } = tasks;
      server.double.behave = ({ path }) => (path.includes('/t5/') ? { status } : undefined);
      const before = server.double.asked.length;
      for (const taskId of tasks.ids) phospho.flag(taskId, 'failure', { notes: taskId });
      const { flags } = await phospho.flush(FLUSH);
      expect(flags).toMatchObject({ captured: 10, delivered: 9, deadLettered: 1, dropped: {} });
      expect(server.double.asked.length - before).toBe(10);
      expect(server.double.flags.map(({ taskId }) => taskId)).not.toContain('t5');
      expect(drops).toEqual([
        {
          kind: 'flag',
          reason: 'refused',
          count: 1,
          taskIds: ['t5'],
          message: expect.stringContaining(`${status}`),
        },
      ]);
      // Nothing is wrong with the server, so it is no fault to tell of.
      expect(errors).toEqual([]);
    },
  );

  it('while it stumbles as well: a 503 between is no refusal', async (t) => {
    const { server, phospho, drops } = await withTasks(t);
    const before = server.double.asked.length;
    server.double.behave = ({ path }) => {
      if ((server.double.asked.length - before) % 4 === 0) return { status: 503 };
      return path.includes('/bad') ? { status: 422 } : undefined;
    };
    for (let n = 0; n < 6; n++) phospho.flag(n % 3 === 0 ? `bad${n}` : `good${n}`, 'success');
    const { flags } = await phospho.flush(FLUSH);
    expect(flags).toMatchObject({ captured: 6, delivered: 4, deadLettered: 2, dropped: {} });
    expect(drops.flatMap(({ taskIds }) => taskIds).sort()).toEqual(['bad0', 'bad3']);
  });
});

describe.concurrent('a flag answered by a 200 that is', { timeout: TEST_MS }, () => {
  const MiB = 1024 * 1024;
  const reply =
    (of: (answer: string) => string | Buffer, head = {}, status = 200) =>
    (response: ServerResponse, answer: string) =>
      void response
        .writeHead(status, { 'content-type': 'application/json', ...head })
        .end(of(answer));
  const odd: [string, (response: ServerResponse, answer: string) => void][] = [
    [
      'a page',
      reply(() => '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' }),
    ],
    ['plain words', reply(() => 'OK')],
    ['half of its JSON', reply((answer) => answer.slice(0, answer.length / 2))],
    ['bytes that are no UTF-8', reply(() => Buffer.from([0xff, 0xfe, 0, 0xc0, 0x80]))],
    ['gzip that nobody asked for', reply((a) => gzipSync(a), { 'content-encoding': 'gzip' })],
    ['5 MiB of noise', reply(() => Buffer.alloc(5 * MiB, 'noise '))],
    ['null', reply(() => 'null')],
    ['a list', reply(() => '[]')],
    ['nothing', reply(() => '')],
    ['a 204', reply(() => '', {}, 204)],
  ];

  it.for(odd)('%s is sent again, and the last word stays the last', async ([, answer], t) => {
    await surviveFlagOutage(t, {
      illness: storing(answer),
      error: PhosphoAnswerError,
      durationMs: 700,
    });
  });
});
