import { createServer, type Server } from 'node:http';
import type { PhosphoOptions } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it, vi } from 'vitest';
import { FLAG_APPS, type MakeFlagApp } from '../helpers/flag-apps.ts';
import { phosphoFor, SECRET } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';
import { dial, listening } from '../helpers/servers.ts';

/** Stands for whatever a stranger would like to see come back. */
const MARK = 'zq-mark';
const MiB = 1024 * 1024;

async function setUp(make: MakeFlagApp, feedback: PhosphoOptions['feedback'] = {}) {
  const double = new PhosphoDouble();
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const phospho = phosphoFor({
    baseUrl: await double.serve(),
    logger: { debug: say, info: say, warn: say, error: say },
    feedback: { secret: SECRET, ...feedback },
  });
  const server: Server = createServer(make(phospho));
  const port = await listening(server);
  const send = (body: string, type = 'application/json') =>
    request(server).post('/phospho/flag').set('content-type', type).send(body);
  /** Nothing went upstream, nothing was said, and the app goes on. */
  const expectUnharmed = async () => {
    expect((await request(server).get('/').expect(200)).text).toBe('here');
    expect((await phospho.flush()).flags.captured).toBe(0);
    expect(double.asked).toEqual([]);
    expect(said).toEqual([]);
    expect(({} as { flag?: unknown; polluted?: unknown }).polluted).toBeUndefined();
  };
  return { phospho, double, said, server, port, send, expectUnharmed };
}

describe.each(FLAG_APPS)('a stranger at POST /phospho/flag of %s', (name, make) => {
  const isBehindParsers = name.includes('behind');

  it('gets 401 for a token that is forged, cut short, foreign, expired or spelled otherwise', async () => {
    const { phospho, send, expectUnharmed } = await setUp(make);
    const { phospho: stranger } = await setUp(make, { secret: `${SECRET}, but another` });
    const token = phospho.feedbackToken('task_1');
    const expired = phospho.feedbackToken('task_1', { expiresInMs: 1_000 });
    const bad = [
      stranger.feedbackToken('task_1'),
      token.slice(0, -1),
      token.slice(0, token.length / 2),
      `${token}=`,
      ` ${token}`,
      `${token}\n`,
      `${token}\0`,
      encodeURIComponent(`${token}/`),
      token.toUpperCase(),
      token.replace('v1.', `${MARK}.`),
    ];
    for (const forged of bad) {
      const { status, body, text } = await send(JSON.stringify({ token: forged, flag: 'success' }));
      expect([forged, status, body.error.code]).toEqual([forged, 401, 'token_invalid']);
      expect(text).not.toContain(MARK);
    }
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2_000);
    const { status, body } = await send(JSON.stringify({ token: expired, flag: 'success' }));
    vi.restoreAllMocks();
    expect([status, body.error.code]).toEqual([401, 'token_expired']);
    await expectUnharmed();
  });

  it('gets 403 for the id of another task, however it is named', async () => {
    const { phospho, send, expectUnharmed } = await setUp(make);
    const token = phospho.feedbackToken('task_1');
    for (const other of [
      { task_id: 'task_2' },
      { taskId: 'task_2' },
      { task_id: 'task_2', taskId: 'task_1' },
      { task_id: 'TASK_1' },
      { task_id: 'task_1 ' },
      { task_id: `task_1\0` },
      { task_id: MARK },
    ]) {
      const answer = await send(JSON.stringify({ ...other, token, flag: 'success' }));
      expect([other, answer.status, answer.body.error.code]).toEqual([other, 403, 'task_mismatch']);
      expect(answer.text).not.toContain(MARK);
    }
    await expectUnharmed();
  });

  it('gets one verdict for keys that are there twice: the last counts, for all of us alike', async () => {
    const { phospho, double, send } = await setUp(make);
    const [mine, other] = [phospho.feedbackToken('mine'), phospho.feedbackToken('other')];
    const twice = (task: string, token: string) =>
      `{"task_id":"other","token":"${other}","flag":"success","task_id":"${task}","token":"${token}"}`;
    await send(twice('other', mine)).expect(403);
    await send(twice('mine', other)).expect(403);
    await send(twice('mine', mine)).expect(202, { task_id: 'mine', flag: 'success' });
    await phospho.flush();
    expect(double.flags).toMatchObject([{ taskId: 'mine' }]);
  });

  it.each([
    '{"__proto__":{"flag":"success","polluted":1},"token":"$"}',
    '{"constructor":{"prototype":{"flag":"success","polluted":1}},"token":"$"}',
    '{"token":"$","raw_flag":{"__proto__":{"polluted":1}}}',
    '{"token":"$","raw_flag":{"constructor":{"prototype":{"polluted":1}}}}',
    '{"token":"$","raw_flag":"__proto__"}',
    '{"token":"$","raw_flag":"constructor"}',
    '{"token":"$","raw_flag":["__proto__"]}',
    '{"token":"$","raw_flag":{"toString":"success","valueOf":"success"}}',
    '{"token":"$","flag":{"constructor":{"prototype":{"polluted":1}}}}',
    '{"token":"$","flag":"success","notes":{"__proto__":{"polluted":1}}}',
    '{"token":"$","flag":"success","notes":{"constructor":{"prototype":{"polluted":1}}}}',
    '{"token":"$","flag":"success","task_id":{"__proto__":{"polluted":1}}}',
    '{"token":{"toString":"$"},"flag":"success"}',
    '{"token":["$"],"flag":"success"}',
  ])('gets 400 for %s, and pollutes no prototype', async (text) => {
    const rawFlagToFlag = vi.fn(() => undefined);
    for (const options of [{}, { rawFlagToFlag }]) {
      const { phospho, send, expectUnharmed } = await setUp(make, options);
      const answer = await send(text.replace('$', phospho.feedbackToken('task_1')));
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain('polluted');
      await expectUnharmed();
    }
  });

  it('gets 413 for a megabyte, announced or in chunks, while others are answered', async () => {
    const { phospho, port, server, said } = await setUp(make);
    const megabyte = 'x'.repeat(MiB);
    const head = 'POST /phospho/flag HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n';
    const [announced, chunked] = await Promise.all([dial(port), dial(port)]);
    announced.socket.write(`${head}Content-Length: ${MiB}\r\n\r\n${megabyte}`);
    chunked.socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${MiB.toString(16)}\r\n`);
    chunked.socket.write(`${megabyte}\r\n0\r\n\r\n`);
    const body = { token: phospho.feedbackToken('t1'), flag: 'success' };
    await request(server).post('/phospho/flag').send(body).expect(202);
    await request(server).get('/').expect(200);
    await Promise.all([announced.said('HTTP/1.1 413'), chunked.said('HTTP/1.1 413')]);
    for (const { text } of [announced, chunked])
      expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1);
    await request(server).get('/').expect(200);
    expect((await phospho.flush()).flags.captured).toBe(1);
    expect(said).toEqual([]);
  });

  it.each([
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; application/json',
    'multipart/form-data; boundary=application/json',
    'application/jsonp',
    'application/json+x',
    'application/merge-patch+json',
    'application /json',
    'text/json',
    'text/html; text/plain',
    `${MARK}/json`,
  ])('gets 415 for a body that claims to be %s, parsed by the app or not', async (type) => {
    const { phospho, send, expectUnharmed } = await setUp(make);
    const token = phospho.feedbackToken('t1');
    const text = type.includes('urlencoded')
      ? `token=${token}&flag=success`
      : JSON.stringify({ token, flag: 'success' });
    const answer = await send(text, type);
    expect([answer.status, answer.body.error?.code]).toEqual([415, 'unsupported_type']);
    expect(answer.text).not.toContain(MARK);
    await expectUnharmed();
  });

  it.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
    { 'x-purpose': 'preview' },
    {},
  ])('gets 405 for a GET with %j: nobody flags by following a link', async (headers) => {
    const { phospho, server, expectUnharmed } = await setUp(make);
    const query = `?token=${phospho.feedbackToken('t1')}&flag=success&task_id=${MARK}`;
    for (const method of ['get', 'head'] as const) {
      const answer = await request(server)[method](`/phospho/flag${query}`).set(headers);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(`${answer.text}`).not.toContain(MARK);
    }
    await expectUnharmed();
  });

  it('cannot make a POST of something else by a header', async () => {
    const { phospho, server, expectUnharmed } = await setUp(make);
    const body = JSON.stringify({ token: phospho.feedbackToken('t1'), flag: 'success' });
    for (const header of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      await request(server)
        .put('/phospho/flag')
        .set({ [header]: 'POST', 'content-type': 'application/json' })
        .send(body)
        .expect(405);
    }
    await expectUnharmed();
  });

  it('from another origin gets nothing to read without a list, and 403 with one, as a form or a beacon', async () => {
    const origin = 'https://evil.example';
    const origins = ['https://app.example.com'];
    for (const options of [{}, { origins }]) {
      const { phospho, send } = await setUp(make, options);
      const body = JSON.stringify({ token: phospho.feedbackToken('t1'), flag: 'success' });
      for (const type of ['application/json', 'text/plain']) {
        const answer = await send(body, type).set('origin', origin);
        expect(answer.status).toBe('origins' in options ? 403 : 202);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    }
    const { phospho, send, expectUnharmed } = await setUp(make, { origins });
    const body = JSON.stringify({ token: phospho.feedbackToken('t1'), flag: 'success' });
    for (const sent of [
      'null',
      'http://app.example.com',
      'https://app.example.com:444',
      'https://app.example.com/',
      'https://APP.example.com',
      'https://app.example.com, https://evil.example',
      'https://xapp.example.com',
      '*',
      '',
    ]) {
      const answer = await send(body, 'text/plain').set('origin', sent);
      expect([sent, answer.status, answer.body.error?.code]).toEqual([sent, 403, 'origin']);
    }
    await expectUnharmed();
  });

  it('may write markup and disguises into a note: they travel as text, unseen by answer and log', async () => {
    const { phospho, double, said, send } = await setUp(make);
    const notes = `<img src=x onerror=alert('${MARK}')>\u202e\u2066\u200f\0\u001b]0;x\u0007\r\n%0d%0aSet-Cookie: a=b`;
    const token = phospho.feedbackToken('t1');
    const answer = await send(JSON.stringify({ token, flag: 'failure', notes })).expect(202);
    expect(answer.text).toBe('{"task_id":"t1","flag":"failure"}');
    expect(answer.headers['set-cookie']).toBeUndefined();
    await phospho.flush();
    const shown = `<img src=x onerror=alert('${MARK}')>]0;x\n%0d%0aSet-Cookie: a=b`;
    expect(double.flags).toMatchObject([{ taskId: 't1', flag: 'failure', notes: shown }]);
    expect(said.join()).not.toContain(MARK);
  });

  it('cannot hide a second request in a body: what follows a refusal is not read', async () => {
    const { phospho, port, expectUnharmed } = await setUp(make);
    const body = JSON.stringify({ token: phospho.feedbackToken('t1'), flag: 'success' });
    const inner = `POST /phospho/flag HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    for (const [head, status] of [
      ['GET /phospho/flag HTTP/1.1\r\nHost: h\r\n', 405],
      ['POST /phospho/flag HTTP/1.1\r\nHost: h\r\nContent-Type: text/html\r\n', 415],
    ] as const) {
      const line = await dial(port);
      line.socket.end(`${head}Content-Length: ${inner.length}\r\n\r\n${inner}`);
      await line.closed;
      expect(line.text().match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    }
    await expectUnharmed();
  });

  it('that gives both lengths of a body is refused by Node', async () => {
    const { port, expectUnharmed } = await setUp(make);
    const line = await dial(port);
    line.socket.end(
      'POST /phospho/flag HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    await line.closed;
    expect(line.text()).toMatch(/^HTTP\/1\.1 400/);
    await expectUnharmed();
  });

  it('gets 400 for what JSON does not say, or says too deep', async () => {
    const { send, expectUnharmed } = await setUp(make);
    const deep = `{"raw_flag":${'['.repeat(4_000)}${']'.repeat(4_000)}}`;
    for (const text of [
      deep,
      `{"flag":"success","token":"${MARK}`,
      '\ufeff{}x',
      '{"a":1}{"b":2}',
    ]) {
      const answer = await send(text, isBehindParsers ? 'text/plain' : 'application/json');
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain(MARK);
    }
    await expectUnharmed();
  });
});
