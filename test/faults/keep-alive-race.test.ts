import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { PhosphoConnectionError } from 'phospho-express';
import { expect, it } from 'vitest';
import { illServer, storing } from './helpers/ill-server.ts';
import { expectAllStored } from './helpers/outage.ts';
import { scaled } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const POSTS = scaled(300, 10_000);

it(`a server that closes idle connections just when they are used again costs none of ${POSTS} requests`, {
  timeout: scaled(60_000, 1_800_000),
}, async (t) => {
  const closeSoon = (socket: Socket | null) => {
    // About the time that the next request takes to come: some get it before it is closed, some after.
    const timer = setTimeout(() => socket?.destroy(), Math.random() * 8);
    socket?.once('data', () => clearTimeout(timer));
  };
  // What that comes to when the two cross: the request is on its way when the connection goes.
  const closeWhenUsed = (socket: Socket | null) =>
    socket?.prependOnceListener('data', () => socket.destroy());
  let answers = 0;
  const server = await illServer(
    t,
    storing((response, answer) => {
      const { socket } = response;
      answers += 1;
      const close = answers % 20 === 0 ? closeWhenUsed : closeSoon;
      response.end(answer, () => (answers % 20 === 0 || Math.random() < 0.25) && close(socket));
    }),
  );
  const watched = watch(t, {
    baseUrl: server.url,
    delivery: { maxBatchEvents: 1, lingerMs: 0, maxQueueEvents: POSTS + 1 },
  });
  server.onRequest = watched.check;
  const ids = Array.from({ length: POSTS }, (_, index) => `t${index}`);
  for (const taskId of ids) {
    watched.phospho.log({ input: 'x', taskId });
    if (Math.random() < 0.5) await delay(Math.random() * 8);
  }
  const { events } = await watched.phospho.flush({ timeoutMs: scaled(50_000, 1_500_000) });
  expect(events).toMatchObject({ captured: POSTS, delivered: POSTS, deadLettered: 0, dropped: {} });
  expectAllStored(server, ids);
  expect(watched.drops).toEqual([]);
  for (const error of watched.errors) expect(error).toBeInstanceOf(PhosphoConnectionError);
  // Else no request met a closed connection.
  expect(watched.errors.length).toBeGreaterThan(0);
  // Each failure is one request more, and no request is sent for nothing.
  expect(server.double.asked.length).toBeLessThanOrEqual(POSTS + watched.errors.length);
});
