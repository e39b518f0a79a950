import { once } from 'node:events';
import { request } from 'node:http';
import express, { type Response } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { LiveStreams } from '../../src/collector/dashboard/live.ts';
import type { Logins } from '../../src/collector/dashboard/login.ts';
import { Changes } from '../../src/collector/model/changes.ts';

/** A server with one route, whose streams the test ends by itself. */
async function serve(beforeOpening: (res: Response) => Promise<unknown> = async () => undefined) {
  const changes = new Changes();
  const logins = { isLoggedIn: async () => true } as unknown as Logins;
  const streams = new LiveStreams(changes, logins);
  const opened: (() => void)[] = [];
  const app = express().get('/live', (req, res, next) => {
    beforeOpening(res)
      .then(() => streams.open(req, res, 'p'))
      .then(() => {
        for (const tell of opened.splice(0)) tell();
      }, next);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  return {
    changes,
    streams,
    ask: () =>
      request({ port, path: '/live' })
        .on('error', () => undefined)
        .end(),
    opening: () => new Promise<void>((resolve) => opened.push(resolve)),
  };
}

test('news that come while the streams end go nowhere, and break nothing', async () => {
  const { changes, streams, ask } = await serve();
  const [response] = await once(ask(), 'response');
  response.resume();
  const failed: unknown[] = [];
  const note = (error: unknown): void => void failed.push(error);
  process.on('uncaughtException', note);
  onTestFinished(() => {
    process.off('uncaughtException', note);
  });
  streams.close();
  changes.note('p');
  await once(response, 'end');
  await new Promise((resolve) => setImmediate(resolve));
  expect(failed).toEqual([]);
  expect(changes.size).toBe(0);
});

test('who has left before the stream opens is not told of anything', async () => {
  const { changes, ask, opening } = await serve((res) => {
    sent.destroy();
    return once(res, 'close');
  });
  const opened = opening();
  const sent = ask();
  await opened;
  expect(changes.size).toBe(0);
});
