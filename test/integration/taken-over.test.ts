import { once } from 'node:events';
import { createServer, type RequestListener, ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { MiddlewareOptions } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { chatRequest, dial, listening } from '../helpers/servers.ts';

const EVERYTHING: MiddlewareOptions = { include: () => true };
const UPGRADE =
  'GET /chat?prompt=hi HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

describe.each(EXPRESS_VERSIONS)(
  'an upgraded connection that is routed through %s',
  (_name, express) => {
    it('is left alone: no record, no headers, and what is wrapped in it is a task of its own', async () => {
      const { phospho, events } = testPhospho();
      const answer = phospho.wrap(async (question: string) => `answer to ${question}`);
      const app = express();
      app.use(phospho.middleware(EVERYTHING));
      let own: string[] = [];
      app.get('/chat', async (req, res) => {
        own = [...Object.keys(res), ...('phospho' in req ? ['phospho'] : [])];
        req.socket.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n${await answer('one')}`);
        req.socket.end(`, ${await answer('two')}.`);
      });
      const server = createServer();
      server.on('upgrade', (req) => app(req, new ServerResponse(req) as never));
      const line = await dial(await listening(server));
      line.socket.write(UPGRADE);
      await line.said('answer to one, answer to two.');
      await line.closed;
      expect(await events()).toMatchObject([{ input: 'one' }, { input: 'two' }]);
      expect(own).toEqual(expect.not.arrayContaining(['write', 'end', 'writeHead', 'phospho']));
    });
  },
);

it('a CONNECT is left alone', async () => {
  const { phospho, events } = testPhospho();
  const middleware = phospho.middleware(EVERYTHING);
  const server = createServer();
  let closed: Promise<unknown> = Promise.resolve();
  server.on('connect', (req, socket: Duplex) => {
    closed = once(socket, 'close');
    middleware(req, new ServerResponse(req), () => socket.end('HTTP/1.1 200 OK\r\n\r\ntunnel'));
  });
  const line = await dial(await listening(server));
  line.socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await line.said('HTTP/1.1 200 OK\r\n\r\ntunnel');
  await line.closed;
  await closed;
  expect(await events()).toEqual([]);
});

it('a CONNECT over HTTP/2 is left alone', async () => {
  const { phospho, events } = testPhospho();
  const middleware = phospho.middleware(EVERYTHING);
  // Without a listener for requests Node makes neither request nor response.
  const server = createHttp2Server(() => {});
  let over: Promise<unknown> = Promise.resolve();
  server.on('connect', (req, res) =>
    middleware(req as never, res as never, () => {
      over = once(res, 'close');
      res.writeHead(200);
      res.write('tun');
      res.end('nel');
    }),
  );
  const client = connectHttp2(`http://127.0.0.1:${await listening(server)}`);
  const stream = client.request({ ':method': 'CONNECT', ':authority': 'a:1' });
  const [headers] = await once(stream, 'response');
  let text = '';
  while (text !== 'tunnel') text += String((await once(stream, 'data'))[0]);
  client.destroy();
  await over;
  expect(text).toBe('tunnel');
  expect(headers).not.toHaveProperty('x-phospho-task-id');
  expect(await events()).toEqual([]);
});

describe('a socket that the app takes over', () => {
  const takenOver = async (handler: RequestListener) => {
    const { phospho, events } = testPhospho();
    const middleware = phospho.middleware(EVERYTHING);
    let closed: Promise<unknown> = Promise.resolve();
    const port = await listening(
      createServer((req, res) => {
        closed = once(req.socket, 'close');
        middleware(req, res, () => handler(req, res));
      }),
    );
    const line = await dial(port);
    line.socket.write(chatRequest());
    await line.closed;
    await closed;
    return { text: line.text(), events };
  };

  it('has no response, and so no record, whatever was asked', async () => {
    const { text, events } = await takenOver((req, res) => {
      const { socket } = req;
      res.detachSocket(socket);
      socket.end('HTTP/1.0 200 OK\r\n\r\nby hand');
    });
    expect(text).toBe('HTTP/1.0 200 OK\r\n\r\nby hand');
    expect(await events()).toEqual([]);
  });

  it('after the head was sent keeps its record, as aborted', async () => {
    const { text, events } = await takenOver((req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/plain' }).write('half of it', () => {
        res.detachSocket(req.socket);
        req.socket.end();
      });
    });
    expect(text).toContain('half of it');
    expect(await events()).toMatchObject([
      { output: 'half of it', metadata: { outcome: 'aborted' } },
    ]);
  });
});
