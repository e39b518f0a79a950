import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { idsOf, now, startCollector } from './collector-helpers.ts';

describe('POST /log/{project_id}', () => {
  test('answers each event in its place: an invalid one with an error, the others stored', async () => {
    const { get, log } = await startCollector();
    const logged = await log(
      { task_id: 'a', input: 'x', client_created_at: now() },
      { task_id: 'b', client_created_at: now() },
      null,
      { task_id: 7, input: 'x' },
      { input: 'x', flag: 'great' },
      { input: 'x', project_id: 'other' },
      { task_id: 'bad\u0000id', input: 'x' },
      { task_id: 'z', input: 'x' },
    );
    expect(logged[0]).toMatchObject({ task_id: 'a', input: 'x', project_id: 'demo' });
    expect(logged[1]!.error_in_log).toMatch(/^input: .*expected string, received undefined/);
    expect(logged[2]!.error_in_log).toMatch(/expected object, received null/);
    expect(logged[3]!.error_in_log).toMatch(/^task_id: .*expected string, received number/);
    expect(logged[4]!.error_in_log).toMatch(/^flag: /);
    expect(logged[5]!.error_in_log).toMatch(/^project_id: /);
    expect(logged[6]!.error_in_log).toMatch(/^task_id: .*control characters/);
    expect(logged[7]).toMatchObject({ task_id: 'z' });
    const { body } = await get('/projects/demo/tasks');
    expect(idsOf(body.tasks).sort()).toEqual(['a', 'z']);
  });

  test('ignores a known task_id and answers as if it were logged', async () => {
    const { get, log } = await startCollector();
    await log({ task_id: 'a', input: 'first', session_id: 's' });
    const again = await log({ task_id: 'a', input: 'second', session_id: 's2', flag: 'failure' });
    expect(again[0]).toMatchObject({ task_id: 'a', input: 'second' });
    expect((await get('/tasks/a')).body).toMatchObject({ input: 'first', flag: null });
    expect((await get('/sessions/s')).body.session_length).toBe(1);
    await get('/sessions/s2').expect(404);
  });

  test('keeps the first of two equal ids in one batch', async () => {
    const { get, log } = await startCollector();
    const logged = await log({ task_id: 'a', input: 'one' }, { task_id: 'a', input: 'two' });
    expect(logged.map((event) => event.task_id)).toEqual(['a', 'a']);
    expect((await get('/tasks/a')).body.input).toBe('one');
  });

  test('fills in what an event has left null', async () => {
    const { post } = await startCollector();
    const nulls = { task_id: null, client_created_at: null, environment: null, project_id: null };
    const { body } = await post('/log/demo', { batched_log_events: [{ input: 'x', ...nulls }] });
    expect(body.logged_events[0]).toMatchObject({
      ...{ task_id: expect.stringMatching(/^task_/), client_created_at: expect.any(Number) },
      ...{ environment: 'default environment', project_id: 'demo' },
    });
  });

  test('makes an id where none is given', async () => {
    const { get, log } = await startCollector();
    const [event] = await log({ input: 'x' });
    expect(event!.task_id).toMatch(/^task_/);
    await get(`/tasks/${event!.task_id}`).expect(200);
  });

  test.each<[string, object, (time: number) => boolean]>([
    ['created_at', { created_at: 100, client_created_at: 50 }, (time) => time === 100],
    ['client_created_at, without created_at', { client_created_at: 50 }, (time) => time === 50],
    ['server time, without either', {}, (time) => Math.abs(time - now()) < 5],
    ['server time for a negative one', { created_at: -1 }, (time) => Math.abs(time - now()) < 5],
    ['server time for milliseconds', { created_at: Date.now() }, (t) => Math.abs(t - now()) < 5],
    ['server time for a huge one', { client_created_at: 1e300 }, (t) => Math.abs(t - now()) < 5],
    ['a time some hours ahead', { created_at: now() + 80_000 }, (time) => time > now() + 70_000],
    ['whole seconds of a fraction', { created_at: 100.9 }, (time) => time === 100],
  ])('takes as created_at %s', async (_name, event, isRight) => {
    const { get, log } = await startCollector();
    await log({ task_id: 'a', input: 'x', ...event });
    expect((await get('/tasks/a')).body.created_at).toSatisfy(isRight);
  });

  test('creates an unknown session, with the first exchange as preview and counts of its tasks', async () => {
    const { get, log, post } = await startCollector();
    await log(
      { session_id: 's', input: 'second', output: 'no', created_at: 200 },
      { session_id: 's', input: 'Hi '.repeat(100), output: 'Hello', created_at: 100 },
    );
    await log({ session_id: 's', input: 'third', created_at: 300 });
    const { body } = await get('/sessions/s').expect(200);
    expect(body).toMatchObject({ created_at: 100, session_length: 3, last_message_ts: 300 });
    expect(body.preview).toMatch(/^Hi Hi .*… -> Hello$/);
    expect(body.preview.length).toBeLessThan(250);
    const { id } = (await post('/sessions', { project_id: 'demo' })).body;
    await log({ session_id: id, input: 'Q', output: 'A' });
    expect((await get(`/sessions/${id}`)).body.preview).toBe('Q -> A');
  });

  test('puts unknown keys into the metadata, where explicit metadata wins', async () => {
    const { get, log } = await startCollector();
    const steps = [{ step_id: '1', name: 'search', started_at: 1, duration_ms: 2 }];
    await log({
      ...{ task_id: 'a', input: 'x', model: 'gpt-4o', prompt_tokens: 3, steps, absent: null },
      ...{ user_id: 'u', version_id: 'v', step_id: 'st', custom: { deep: [1] } },
      metadata: { model: 'mine', route: '/r' },
    });
    expect((await get('/tasks/a')).body.metadata).toEqual({
      ...{ model: 'mine', route: '/r', prompt_tokens: 3, steps, user_id: 'u', version_id: 'v' },
      ...{ step_id: 'st', custom: { deep: [1] } },
    });
  });

  test('returns raw objects as they are, and strings and lists as an object', async () => {
    const { get, log } = await startCollector();
    const raw_input = { messages: [{ role: 'user', content: 'Hi' }], nothing: null };
    await log(
      { task_id: 'a', input: 'x', raw_input, raw_output: 'text' },
      { task_id: 'b', input: 'x', raw_input: [{ a: 1 }, 's'] },
    );
    expect((await get('/tasks/a')).body).toMatchObject({
      additional_input: raw_input,
      additional_output: { raw_output: 'text' },
    });
    expect((await get('/tasks/b')).body).toMatchObject({
      additional_input: { raw_input: [{ a: 1 }, 's'] },
      additional_output: null,
    });
  });

  test('an event’s flag is a verdict of the owner; test_id and environment are kept', async () => {
    const { get, log } = await startCollector();
    await log({ task_id: 'a', input: 'x', flag: 'failure', test_id: 'te', environment: 'prod' });
    const { body } = await get('/tasks/a');
    expect(body).toMatchObject({ flag: 'failure', test_id: 'te', environment: 'prod' });
    expect(body.last_eval).toMatchObject({ value: 'failure', source: 'owner', test_id: 'te' });
  });

  test('stores hostile keys as data and pollutes nothing', async () => {
    const { get, log, post } = await startCollector();
    const batch = `{"batched_log_events":[{"task_id":"a","input":"x","__proto__":{"polluted":1},
      "constructor":{"prototype":{"polluted":1}},"metadata":{"__proto__":{"polluted":2}}}]}`;
    await post('/log/demo').type('json').send(batch).expect(200);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const { text } = await get('/tasks/a');
    expect(text).toContain('"__proto__":{"polluted":2}');
    expect(text).toContain('"constructor":{"prototype":{"polluted":1}}');
    await log({ task_id: 'b', input: 'still fine' });
  });

  test('keeps any text: NUL and lone surrogates become U+FFFD, in JSON too', async () => {
    const { get, log } = await startCollector();
    const text = 'a\u0000b\ud800c\u{1f600}';
    const [event] = await log({
      task_id: 'a',
      input: text,
      output: text,
      metadata: { text, [text]: '\\u0000' },
    });
    expect(event).not.toHaveProperty('error_in_log');
    const { body } = await get('/tasks/a');
    expect(body.input).toBe('a\ufffdb\ufffdc\u{1f600}');
    const kept = 'a\ufffdb\ufffdc\u{1f600}';
    expect(body.metadata).toEqual({ text: kept, [kept]: '\\u0000' });
  });

  test.each([
    ['ASCII', 'name-'.repeat(600)],
    ['three bytes a character', '長い名前'.repeat(800)],
    ['four bytes a character', '\u{1f600}'.repeat(800)],
    ['NUL and a lone surrogate', 'a\u0000b\ud800'],
  ])('names of any length are stored, counted and found: %s', async (_name, name) => {
    const { get, log, post } = await startCollector();
    const [logged] = await log({
      ...{ task_id: 'a', input: 'x', user_id: name, version_id: name, model: name },
      metadata: { route: name },
    });
    expect(logged).not.toHaveProperty('error_in_log');
    await log({ task_id: 'b', input: 'x', user_id: 'other', version_id: 'other', model: name });
    for (const filters of [
      { user_id: name },
      { version_id: name },
      { metadata: { route: name } },
    ]) {
      const { body } = await post('/projects/demo/tasks', { filters }).expect(200);
      expect(idsOf(body.tasks)).toEqual(['a']);
    }
    const kept = name.replace('\u0000', '\ufffd').replace('\ud800', '\ufffd');
    expect((await get('/tasks/a')).body.metadata.user_id).toBe(
      name.includes('\u0000') ? kept : name,
    );
    await post('/tasks/a/flag', { flag: 'success' }).expect(200);
  });

  test('times that no database can hold are the end of time', async () => {
    const { get, log, post } = await startCollector();
    await log({ task_id: 'a', session_id: 's', input: 'x' });
    for (const filters of [
      { created_at_start: -1e300, created_at_end: 1e300 },
      { created_at_start: Number.MIN_SAFE_INTEGER, created_at_end: 2 ** 63 },
    ]) {
      for (const path of ['tasks', 'sessions']) {
        const { body } = await post(`/projects/demo/${path}`, { filters }).expect(200);
        expect(body[path]).toHaveLength(1);
      }
    }
    const flattened_tasks = [{ task_id: 'a', task_eval: 'success', task_eval_at: 1e300 }];
    await post('/projects/demo/tasks/flat-update', { flattened_tasks }).expect(200);
    expect((await get('/tasks/a')).body.last_eval.created_at).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('refuses an event nested too deeply, and stores its neighbour', async () => {
    const { post } = await startCollector();
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const batch = `{"batched_log_events":[{"input":"x","metadata":{"d":${deep}}},{"input":"y"}]}`;
    const { body } = await post('/log/demo').type('json').send(batch).expect(200);
    expect(body.logged_events[0]).toEqual({ error_in_log: 'nested deeper than 200 levels' });
    expect(body.logged_events[1]).toMatchObject({ input: 'y' });
  });

  test('takes a gzipped body and says so; a bomb is 413', async () => {
    const { get, post } = await startCollector({ maxBodyBytes: 100_000 });
    const gzip = (text: string) =>
      post('/log/demo')
        .set({ 'content-encoding': 'gzip', 'content-type': 'application/json' })
        .serialize((body: unknown) => body as string)
        .send(gzipSync(text) as never);
    const batch = { batched_log_events: [{ task_id: 'a', input: 'x' }] };
    const answer = await gzip(JSON.stringify(batch)).expect(200);
    expect(answer.headers['x-phospho-accept-encoding']).toBe('gzip');
    await get('/tasks/a').expect(200);
    const { body } = await gzip(`"${'x'.repeat(5_000_000)}"`).expect(413);
    expect(body.detail).toEqual(expect.any(String));
  });

  test('stores more events than fit one statement', async () => {
    const { get, log } = await startCollector();
    const events = Array.from({ length: 2500 }, (_, n) => ({ task_id: `t${n}`, input: `${n}` }));
    expect(await log(...events)).toHaveLength(2500);
    expect((await get('/projects/demo/tasks?limit=10000')).body.tasks).toHaveLength(2500);
  });
});

test('50 concurrent batches with overlapping ids store each event once', async () => {
  const { get, log } = await startCollector();
  const batch = (n: number) =>
    Array.from({ length: 20 }, (_, i) => ({
      ...{ task_id: `t${(n * 10 + i) % 300}`, session_id: `s${i % 3}`, input: 'x' },
      ...(i % 2 === 0 ? { flag: 'success' } : {}),
    }));
  await Promise.all(Array.from({ length: 50 }, (_, n) => log(...batch(n))));
  const { tasks } = (await get('/projects/demo/tasks?limit=10000')).body;
  expect(new Set(idsOf(tasks)).size).toBe(300);
  expect(tasks).toHaveLength(300);
  const { sessions } = (await get('/projects/demo/sessions')).body;
  const length = sessions.reduce(
    (sum: number, session: { session_length: number }) => sum + session.session_length,
    0,
  );
  expect(length).toBe(300);
});
