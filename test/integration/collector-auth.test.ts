import { connect } from 'node:net';
import { agent } from 'supertest';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { startCollector } from './collector-helpers.ts';

const KEY = 'a-key-of-the-other-project';

const DEEP = `{"input":${'['.repeat(1000)}${']'.repeat(1000)}}`;

describe('a request', () => {
  test.each<[string, string | undefined]>([
    ['no Authorization header', undefined],
    ['an empty bearer', 'Bearer '],
    ['another scheme', 'Basic abc'],
    ['a wrong key', `Bearer phk_${'x'.repeat(43)}`],
    ['a bare key', 'phk_abc'],
  ])('with %s is 401', async (_name, authorization) => {
    const { collector } = await startCollector();
    const request = agent(collector.app).get('/v2/projects/demo');
    if (authorization !== undefined) request.set('authorization', authorization);
    const { body, headers } = await request.expect(401);
    expect(body.detail).toMatch(/API key/);
    expect(headers['www-authenticate']).toBe('Bearer');
  });

  test('takes the scheme in any case', async () => {
    const { collector } = await startCollector();
    await agent(collector.app)
      .get('/v2/projects/demo')
      .set('authorization', `bearer ${collector.apiKey}`)
      .expect(200);
  });

  test('on another project than its key’s is 403', async () => {
    const { collector, get, log, post } = await startCollector();
    await log({ task_id: 't', session_id: 's', input: 'x' });
    expect(collector.projectId).toBe('demo');
    for (const path of ['/log/other', '/projects/other/tasks', '/projects/other/tasks/flat'])
      await post(path, { batched_log_events: [] }).expect(403);
    await get('/projects/other').expect(403);
    for (const path of ['/tasks', '/sessions', '/tests'])
      await post(path, { project_id: 'other', input: 'x' }).expect(403);
    await post('/tasks/t/flag', { flag: 'success', project_id: 'other' }).expect(403);
  });

  test('is refused before its body is read, where it brings no key', async () => {
    const { collector } = await startCollector();
    await agent(collector.app)
      .post('/v2/log/demo')
      .send({ big: 'x'.repeat(1e6) })
      .expect(401);
  });
});

describe('the Host header', () => {
  test.each([
    ['localhost', 200],
    ['localhost:1234', 200],
    ['LOCALHOST', 200],
    ['localhost.', 200],
    ['127.0.0.1:7700', 200],
    ['[::1]:7700', 200],
    ['phospho.internal', 200],
    ['[2001:DB8::1]', 200],
    ['evil.example', 403],
    ['evil.example:7700', 403],
    ['localhost.evil.example', 403],
    ['evil@localhost', 403],
    ['localhost/evil', 403],
    ['127.0.0.1.evil.example', 403],
    ['10.0.0.5', 403],
    ['', 403],
  ])('%j is answered %d', async (host, status) => {
    const allowedHosts = ['Phospho.internal', '2001:db8:0:0:0:0:0:1'];
    const { collector } = await startCollector({ allowedHosts });
    const http = agent(collector.app);
    const { body } = await http.get('/openapi.json').set('host', host).expect(status);
    if (status === 403) expect(body.detail).toContain('allowedHosts');
    // Load balancers have the address alone.
    await http.get('/health').set('host', host).expect(200);
  });
});

describe('an answer', () => {
  test('carries a request id and nosniff, and does not name Express', async () => {
    const { collector } = await startCollector();
    const { headers } = await agent(collector.app).get('/v2/nope').expect(404);
    expect(headers).toMatchObject({
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'x-content-type-options': 'nosniff',
      'content-type': expect.stringContaining('application/json'),
    });
    expect(headers).not.toHaveProperty('x-powered-by');
  });

  test.each<
    [
      string,
      number,
      (http: ReturnType<typeof agent>) => ReturnType<ReturnType<typeof agent>['get']>,
    ]
  >([
    ['an unknown route', 404, (http) => http.get('/v2/nothing/here')],
    ['a wrong method', 405, (http) => http.put('/v2/tasks/t')],
    ['a wrong method on a GET route', 405, (http) => http.post('/v2/sessions/s/transcript')],
    ['malformed JSON', 400, (http) => http.post('/v2/tasks').type('json').send('{"a":')],
    ['a JSON string', 400, (http) => http.post('/v2/tasks').type('json').send('"a"')],
    ['a wrong content type', 415, (http) => http.post('/v2/tasks').type('text/plain').send('{}')],
    ['a form', 415, (http) => http.post('/v2/tasks').type('form').send({ a: 1 })],
    [
      'an unknown encoding',
      415,
      (http) => http.post('/v2/tasks').set('content-encoding', 'x').send({}),
    ],
    [
      'a body that is no gzip',
      400,
      (http) => http.post('/v2/tasks').set('content-encoding', 'gzip').send({ a: 1 }),
    ],
    ['a body too large', 413, (http) => http.post('/v2/tasks').send({ input: 'x'.repeat(5000) })],
    ['a list for an object', 422, (http) => http.post('/v2/tasks').send([])],
    ['JSON nested too deeply', 422, (http) => http.post('/v2/tasks').type('json').send(DEEP)],
    ['no body', 422, (http) => http.post('/v2/tasks')],
    ['a malformed path', 400, (http) => http.get('/v2/tasks/%E0%A4%A')],
    ['a NUL in an id', 404, (http) => http.get('/v2/tasks/%00')],
  ])('to %s is %d with a detail', async (_name, status, send) => {
    const { collector } = await startCollector({ maxBodyBytes: 4096 });
    const http = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
    const { body } = await send(http as never).expect(status);
    expect(body.detail).toBeTruthy();
    if (status === 422)
      expect(body.detail[0]).toMatchObject({
        loc: expect.arrayContaining(['body']),
        msg: expect.any(String),
        type: expect.any(String),
      });
  });

  test('405 names the methods that are allowed', async () => {
    const { collector } = await startCollector();
    const { headers } = await agent(collector.app).put('/v2/tasks/t').expect(405);
    expect(headers.allow).toBe('HEAD, GET, POST, DELETE');
  });
});

test('an unexpected failure is a 500 that tells only a request id, and a line in the log', async () => {
  const lines: string[] = [];
  const silent = () => undefined;
  const logger = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (line: string) => lines.push(line),
  };
  const collector = await createCollector({ database: 'sqlite::memory:', port: 0, logger });
  onTestFinished(() => collector.close());
  vi.spyOn(process, 'memoryUsage').mockImplementation(() => {
    throw new Error('what nobody foresaw');
  });
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  const { body, headers } = await agent(collector.app).get('/metrics').expect(500);
  expect(body.detail).toBe(`Internal error. Its request id is ${headers['x-request-id']}.`);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(headers['x-request-id']);
});

test('a request after close() is 503', async () => {
  const collector = await createCollector({ database: 'sqlite::memory:', port: 0 });
  const http = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
  await collector.close();
  const { body, headers } = await http.get('/v2/projects/demo').expect(503);
  expect(body).toEqual({ detail: 'The collector is shutting down' });
  expect(headers['retry-after']).toBe('5');
});

test('listen() serves at url, and close() ends idle connections and may be repeated', async () => {
  const collector = await createCollector({ database: 'sqlite::memory:', port: 0, apiKey: KEY });
  onTestFinished(() => collector.close());
  expect(() => collector.url).toThrow('after listen()');
  await Promise.all([collector.listen(), collector.listen()]);
  expect(collector.baseUrl).toBe(`${collector.url}/v2`);
  const answer = await fetch(`${collector.baseUrl}/projects/demo`, {
    headers: { authorization: `Bearer ${KEY}` },
  });
  expect(answer.status).toBe(200);
  await answer.json();
  const socket = connect(Number(new URL(collector.url).port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  await Promise.all([collector.close(), collector.close(), ended]);
  await expect(collector.listen()).rejects.toThrow('closed');
  await expect(fetch(`${collector.url}/health`)).rejects.toThrow();
});
