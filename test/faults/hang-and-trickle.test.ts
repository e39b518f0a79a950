import { PhosphoTimeoutError } from 'phospho-express';
import { Agent } from 'undici';
import { describe, expect, it } from 'vitest';
import { type Finishing, type Illness, illServer } from './helpers/ill-server.ts';
import { expectAllStored, useBothLanes } from './helpers/outage.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

/** An attempt's time-out, and what a busy machine may add to it, milliseconds. */
const ATTEMPT_MS = 10_000;
const LATE_MS = 1_500;

/** The server hangs in its way for the first attempts, is well for later ones. */
async function surviveHang(t: Finishing, hang: Illness, attempts = 1): Promise<void> {
  const endedAfterMs: number[] = [];
  const server = await illServer(t, (...exchange) => {
    const [{ socket }] = exchange;
    const start = performance.now();
    socket.once('close', () => void endedAfterMs.push(performance.now() - start));
    if (server.askedAt.length === attempts) server.heal();
    hang(...exchange);
  });
  const watched = watch(t, { baseUrl: server.url });
  server.onRequest = watched.check;
  const ids = ['a', 'b', 'c'];
  for (const taskId of ids) watched.phospho.log({ input: 'x', taskId });
  ids.push(...(await useBothLanes(watched, server)));
  expectAllStored(server, ids);
  expect(watched.drops).toEqual([]);
  expect(watched.errors).toHaveLength(attempts);
  for (const error of watched.errors) {
    expect(error).toBeInstanceOf(PhosphoTimeoutError);
    expect((error as Error).message).toMatch(/^POST \/log\/p: /);
  }
  // The connection is of no use any more, and is not kept.
  expect(endedAfterMs).toHaveLength(attempts);
  for (const ms of endedAfterMs) {
    expect(ms).toBeGreaterThan(ATTEMPT_MS - 500);
    expect(ms).toBeLessThan(ATTEMPT_MS + LATE_MS);
  }
}

const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n';

/** A byte a second, as long as somebody listens. */
function trickle(text: string): Illness {
  return ({ socket }) => {
    let sent = 0;
    const timer = setInterval(() => void socket.write(text[sent++ % text.length] ?? ''), 1_000);
    socket.once('close', () => clearInterval(timer));
  };
}

describe.concurrent('an attempt ends after ten seconds, and costs nothing', {
  timeout: 60_000,
}, () => {
  it('where no answer comes', (t) => surviveHang(t, () => {}));

  it('where the request is not even read', (t) =>
    surviveHang(t, ({ socket }) => void socket.pause()));

  it('where the headers come, and nothing after them', (t) =>
    surviveHang(t, ({ socket }) => void socket.write(`${head}\r\n`)));

  it('where the headers never end', (t) =>
    surviveHang(t, trickle(`${head}x-more: ${'y'.repeat(99)}`)));

  it('where the answer comes a byte a second', (t) =>
    surviveHang(t, (...exchange) => {
      exchange[0].socket.write(`${head}\r\n`);
      trickle(' ')(...exchange);
    }));

  it('where an endless error comes bit by bit', (t) =>
    surviveHang(t, (_request, response) => {
      response.writeHead(503, { 'content-type': 'text/plain' });
      const timer = setInterval(() => void response.write('sorry '), 500);
      response.once('close', () => clearInterval(timer));
    }));

  it('where only 102 Processing comes, again and again', (t) =>
    surviveHang(t, ({ socket }) => {
      const timer = setInterval(() => void socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 500);
      socket.once('close', () => clearInterval(timer));
    }));

  it('where the connection is never made', async (t) => {
    const server = await illServer(t);
    const dispatcher = new Agent({ connect: () => {} });
    t.onTestFinished(() => dispatcher.destroy());
    const { phospho, errors } = watch(t, { baseUrl: server.url, dispatcher });
    phospho.log({ input: 'x', taskId: 'a' });
    await phospho.flush({ timeoutMs: ATTEMPT_MS + LATE_MS });
    expect(errors).toEqual([expect.any(PhosphoTimeoutError)]);
    expect(phospho.stats().events).toMatchObject({ delivered: 0, dropped: {} });
  });
});
