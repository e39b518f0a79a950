import fc from 'fast-check';
import {
  PhosphoAnswerError,
  PhosphoClientError,
  PhosphoConnectionError,
  PhosphoRequestError,
  PhosphoServerError,
  PhosphoTimeoutError,
} from 'phospho-express/client';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  clientFor,
  deadUrl,
  failure,
  PROJECT,
  phosphoServer,
  type Reply,
  TASK,
  tcpServer,
} from './client-fixture.ts';

// No waits between retries.
beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const answering = (reply: Reply) => phosphoServer(() => reply);

describe('an answer that is a refusal', () => {
  it('of 4xx is a PhosphoClientError that knows status, call, detail, request id and pause', async () => {
    const server = await answering({
      status: 429,
      headers: { 'x-request-id': 'req-7', 'retry-after': '30' },
      body: { detail: 'slow down' },
    });
    const error = await failure(clientFor(server.url).flag('t1', 'success'));
    expect(error).toBeInstanceOf(PhosphoClientError);
    expect(error).toBeInstanceOf(PhosphoRequestError);
    expect(error).toMatchObject({
      code: 'ERR_PHOSPHO_CLIENT',
      status: 429,
      method: 'POST',
      path: '/tasks/t1/flag',
      detail: 'slow down',
      requestId: 'req-7',
      retryAfterMs: 30_000,
      message: 'POST /tasks/t1/flag: 429 slow down',
    });
  });

  it('leads back to the line that made the call', async () => {
    const server = await answering({ status: 404, body: { detail: 'no such task' } });
    const client = clientFor(server.url);
    const mine = async () => await client.tasks.get('t1');
    expect((await failure(mine())).stack).toMatch(/mine .*client-errors\.test\.ts/);
  });

  it('of 5xx is a PhosphoServerError', async () => {
    const server = await answering({ status: 503, body: { detail: 'maintenance' } });
    const error = await failure(clientFor(server.url).post('/any'));
    expect(error).toBeInstanceOf(PhosphoServerError);
    expect(error).toMatchObject({ status: 503, detail: 'maintenance', retryAfterMs: undefined });
  });

  it.each([401, 403])('of %i says that the key may be the reason', async (status) => {
    const server = await answering({ status, body: { detail: 'no' } });
    const error = await failure(clientFor(server.url).tasks.get('t1'));
    expect(error.message).toContain('PHOSPHO_API_KEY');
  });

  it('of 422 names the fields in the message', async () => {
    const detail = [
      { loc: ['body', 'flag'], msg: 'field required', type: 'missing' },
      { loc: ['body', 'rows', 3], msg: 'not a string', type: 'type' },
    ];
    const server = await answering({ status: 422, body: { detail } });
    const error = await failure(clientFor(server.url).post('/any'));
    expect(error.message).toBe(
      'POST /any: 422 body.flag: field required; body.rows.3: not a string',
    );
    expect(error.detail).toEqual(detail);
  });

  it('with a page for a body does not repeat the page', async () => {
    const page = '<!doctype html><html><body>Bad gateway</body></html>';
    const server = await answering({
      status: 404,
      headers: { 'content-type': 'text/html' },
      body: page,
    });
    const error = await failure(clientFor(server.url).get('/any'));
    expect(error).toMatchObject({ message: 'GET /any: 404', detail: undefined });
  });

  it('with a longer body than is read is still told', async () => {
    const server = await answering({ status: 400, body: { detail: 'x'.repeat(3_000_000) } });
    const error = await failure(clientFor(server.url).post('/any'));
    expect(error.status).toBe(400);
    expect(error.message.length).toBeLessThan(600);
  });

  it('with any detail at all has a message of one short line', async () => {
    let body: unknown;
    const server = await phosphoServer(() => ({ status: 400, body }));
    const client = clientFor(server.url);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' })), async (detail) => {
        body = { detail };
        const error = await failure(client.post('/any'));
        expect(error).toBeInstanceOf(PhosphoClientError);
        expect(error.message).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(error.message.length).toBeLessThan(600);
      }),
    );
  });

  it.each([301, 302, 307, 308])('of %i is an error: redirects are not followed', async (status) => {
    const other = await answering({ body: TASK });
    const server = await answering({ status, headers: { location: `${other.url}/tasks/t1` } });
    const error = await failure(clientFor(server.url).tasks.get('t1'));
    expect(error).toBeInstanceOf(PhosphoClientError);
    expect(error.status).toBe(status);
    expect(error.message).toContain('redirects are not followed');
    expect(error.message).toContain(other.url);
    expect(other.seen).toHaveLength(0);
    expect(server.seen).toHaveLength(1);
  });
});

describe('a 2xx answer that is not what the API promises', () => {
  it.each([
    ['text', 'hello', '"hello"'],
    ['a page', '<html>login</html>', 'a page'],
    ['half a JSON', '{"id": "t', '"{"id": "t"'],
  ])('%s is a PhosphoAnswerError', async (_, body, shown) => {
    const server = await answering({ headers: { 'x-request-id': 'r1' }, body });
    const error = await failure(clientFor(server.url).tasks.get('t1'));
    expect(error).toBeInstanceOf(PhosphoAnswerError);
    expect(error).toMatchObject({ status: 200, requestId: 'r1', path: '/tasks/t1' });
    expect(error.message).toContain(`not JSON but ${shown}`);
    expect(server.seen).toHaveLength(1);
  });

  it('nothing is null for a call that promises nothing, and an error for one that does', async () => {
    const server = await answering({});
    const client = clientFor(server.url);
    expect(await client.get('/any')).toBeNull();
    expect(await client.tasks.updateFlat([])).toBeUndefined();
    const error = await failure(client.tasks.get('t1'));
    expect(error).toBeInstanceOf(PhosphoAnswerError);
    expect(error.message).toContain('is null');
  });

  it.each([
    ['id', { ...TASK, id: 7 }, 'number'],
    ['input', { ...TASK, input: undefined }, 'missing'],
    ['project_id', { ...TASK, project_id: null }, 'null'],
    ['events', { ...TASK, events: {} }, 'object'],
  ])('a task with a wrong %s is an error that names it', async (field, body, kind) => {
    const server = await answering({ body });
    const error = await failure(clientFor(server.url).tasks.get('t1'));
    expect(error).toBeInstanceOf(PhosphoAnswerError);
    expect(error.message).toMatch(new RegExp(`^GET /tasks/t1: the answer's ${field} .* ${kind}$`));
  });

  it('a wrong item of a list is named with its place', async () => {
    const server = await answering({ body: { tasks: [TASK, { ...TASK, created_at: 'now' }] } });
    const error = await failure(clientFor(server.url).tasks.list());
    expect(error.message).toContain("the answer's tasks[1].created_at should be of type number");
  });

  it('more than 64 MiB is an error, also by way of another dispatcher', async () => {
    const part = ' '.repeat(1024 * 1024);
    const server = await phosphoServer((_, response) => {
      response.writeHead(200);
      for (let i = 0; i < 65; i++) response.write(part);
      response.end('{}');
      return 'handled';
    });
    const dispatcher = new Agent();
    onTestFinished(() => dispatcher.destroy());
    for (const client of [clientFor(server.url), clientFor(server.url, { dispatcher })]) {
      const error = await failure(client.post('/any'));
      expect(error).toBeInstanceOf(PhosphoAnswerError);
      expect(error.message).toContain('larger than the limit');
    }
  });

  it('no list, or no object, is an error', async () => {
    const server = await phosphoServer(({ url }) => ({ body: url.includes('log') ? [] : {} }));
    const client = clientFor(server.url);
    expect((await failure(client.sessions.list())).message).toContain('sessions should be');
    const event = { task_id: 't', input: '', client_created_at: 1 };
    expect((await failure(client.log([event]))).message).toContain('the answer should be');
  });
});

describe('no whole answer', () => {
  it('a refused connection is a PhosphoConnectionError with its cause and no status', async () => {
    const error = await failure(clientFor(await deadUrl()).post('/any'));
    expect(error).toBeInstanceOf(PhosphoConnectionError);
    expect(error).toMatchObject({ status: undefined, cause: { code: 'ECONNREFUSED' } });
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('a connection that breaks before or within the answer is a PhosphoConnectionError', async () => {
    const silent = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id"';
    const half = await tcpServer((socket) => socket.once('data', () => socket.end(head)));
    for (const url of [silent, half]) {
      const error = await failure(clientFor(url).post('/any'));
      expect(error).toBeInstanceOf(PhosphoConnectionError);
      expect(error.status).toBeUndefined();
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  it('what is not HTTP is a PhosphoConnectionError', async () => {
    const url = await tcpServer((socket) => socket.once('data', () => socket.end('220 smtp\r\n')));
    expect(await failure(clientFor(url).get('/any'))).toBeInstanceOf(PhosphoConnectionError);
  });

  it('silence is a PhosphoTimeoutError that says how long it was', async () => {
    const url = await tcpServer(() => {});
    const error = await failure(clientFor(url, { timeoutMs: 50 }).post('/any'));
    expect(error).toBeInstanceOf(PhosphoTimeoutError);
    expect(error.message).toBe('POST /any: no answer within 0.05 s');
  });

  it('an answer that begins but does not end is a PhosphoTimeoutError', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id"';
    const url = await tcpServer((socket) => socket.once('data', () => socket.write(head)));
    const error = await failure(clientFor(url, { timeoutMs: 100 }).post('/any'));
    expect(error).toBeInstanceOf(PhosphoTimeoutError);
  });
});

describe('a second try', () => {
  const flaky = (...statuses: number[]) => {
    let call = 0;
    return phosphoServer(() => {
      const status = statuses[call++] ?? 200;
      return { status, body: status === 200 ? TASK : { detail: 'no' } };
    });
  };

  it.each([408, 425, 429, 500, 502, 503, 504])('follows a GET answered by %i', async (status) => {
    const server = await flaky(status, status);
    expect((await clientFor(server.url).tasks.get('t1')).id).toBe('t1');
    expect(server.seen).toHaveLength(3);
  });

  it('is given up after the third', async () => {
    const server = await flaky(500, 502, 503, 504);
    expect((await failure(clientFor(server.url).tasks.get('t1'))).status).toBe(503);
    expect(server.seen).toHaveLength(3);
  });

  it.each([400, 401, 403, 404, 409, 422])(
    'does not follow a GET answered by %i',
    async (status) => {
      const server = await flaky(status);
      expect((await failure(clientFor(server.url).tasks.get('t1'))).status).toBe(status);
      expect(server.seen).toHaveLength(1);
    },
  );

  it('follows a GET whose connection broke, and one that took too long', async () => {
    const answer = JSON.stringify(TASK);
    const reply = `HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`;
    let requests = 0;
    const url = await tcpServer((socket) => {
      socket.once('data', () => {
        requests += 1;
        if (requests === 1) socket.resetAndDestroy();
        if (requests === 3) socket.write(reply);
      });
    });
    const task = await clientFor(url, { timeoutMs: 200 }).tasks.get('t1');
    expect(task.content.project_id).toBe(PROJECT);
    expect(requests).toBe(3);
  });

  it('never follows a POST', async () => {
    const server = await flaky(503);
    const client = clientFor(server.url);
    expect((await failure(client.tasks.list())).status).toBe(503);
    expect(server.seen).toHaveLength(1);
    let connections = 0;
    const url = await tcpServer((socket) => {
      connections += 1;
      socket.once('data', () => socket.resetAndDestroy());
    });
    expect(await failure(clientFor(url).flag('t1', 'success'))).toBeInstanceOf(
      PhosphoConnectionError,
    );
    expect(connections).toBe(1);
  });

  it('waits as long as the server asks', async () => {
    let first = 0;
    let second = 0;
    const server = await phosphoServer(() => {
      if (first === 0) {
        first = performance.now();
        return { status: 503, headers: { 'retry-after': '1' } };
      }
      second = performance.now();
      return { body: TASK };
    });
    await clientFor(server.url).tasks.get('t1');
    expect(second - first).toBeGreaterThan(980);
  });

  it('is not made where the server asks for more than 10 s', async () => {
    const server = await answering({ status: 503, headers: { 'retry-after': '11' } });
    const error = await failure(clientFor(server.url).tasks.get('t1'));
    expect(error.retryAfterMs).toBe(11_000);
    expect(server.seen).toHaveLength(1);
  });
});
