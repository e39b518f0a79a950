import { createRequire } from 'node:module';
import { agent } from 'supertest';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ExpressModule } from '../../src/collector/app.ts';
import { openCollector } from '../../src/collector/open-collector.ts';
import { idsOf, now, startCollector } from './collector-helpers.ts';

describe('tasks', () => {
  test('POST /tasks stores a task and GET answers it', async () => {
    const { get, post } = await startCollector();
    const { body: task } = await post('/tasks', {
      project_id: 'demo',
      session_id: 's1',
      input: 'Hi',
      output: 'Hello!',
      additional_input: 'raw text',
      additional_output: { id: 'chatcmpl-1' },
      data: { a: 1 },
      metadata: { route: '/chat' },
      model: 'gpt-4o',
      flag: 'success',
    }).expect(200);
    expect(task).toMatchObject({
      project_id: 'demo',
      session_id: 's1',
      input: 'Hi',
      output: 'Hello!',
      additional_input: { raw_input: 'raw text' },
      additional_output: { id: 'chatcmpl-1' },
      data: { a: 1 },
      metadata: { route: '/chat', model: 'gpt-4o' },
      flag: 'success',
      events: [],
      environment: 'default environment',
      task_position: 1,
      is_last_task: true,
    });
    expect(task.id).toMatch(/^task_/);
    expect((await get(`/tasks/${task.id}`).expect(200)).body).toEqual(task);
  });

  test('POST /tasks with a known task_id answers the stored task', async () => {
    const { post } = await startCollector();
    await post('/tasks', { project_id: 'demo', task_id: 't1', input: 'first' }).expect(200);
    const again = await post('/tasks', { project_id: 'demo', task_id: 't1', input: 'second' });
    expect(again.body.input).toBe('first');
  });

  test('POST /tasks/{id} changes what it names and leaves null alone', async () => {
    const { log, post } = await startCollector();
    await log({ task_id: 't1', input: 'Hi', metadata: { a: 1 } });
    await post('/tasks/t1', { notes: 'n', data: { x: 1 } }).expect(200);
    const { body } = await post('/tasks/t1', {
      metadata: null,
      notes: null,
      data: null,
      flag: 'failure',
      flag_source: 'reviewer',
    }).expect(200);
    expect(body).toMatchObject({ metadata: { a: 1 }, notes: 'n', data: { x: 1 }, flag: 'failure' });
    expect(body.last_eval).toMatchObject({ value: 'failure', source: 'reviewer' });
    await post('/tasks/t1', { flag: 'maybe' }).expect(400);
    await post('/tasks/unknown', { notes: 'x' }).expect(404, { detail: 'Task unknown not found' });
  });
});

describe('sessions', () => {
  test('POST, GET and update a session; null fields are left alone', async () => {
    const { get, post } = await startCollector();
    const { body } = await post('/sessions', { project_id: 'demo', data: { a: 1 } }).expect(200);
    expect(body).toMatchObject({ data: { a: 1 }, session_length: 0, last_message_ts: null });
    await post(`/sessions/${body.id}`, { notes: 'n', preview: 'p', metadata: { m: 1 } });
    await post(`/sessions/${body.id}`, { notes: null, data: null }).expect(200);
    const read = await get(`/sessions/${body.id}`).expect(200);
    expect(read.body).toMatchObject({
      data: { a: 1 },
      notes: 'n',
      preview: 'p',
      metadata: { m: 1 },
    });
    await get('/sessions/unknown').expect(404);
    await post('/sessions/unknown', { notes: 'n' }).expect(404);
  });

  test('lists a session’s tasks newest first and its transcript oldest first', async () => {
    const { get, log, post } = await startCollector();
    await log(
      { task_id: 't2', session_id: 's', input: 'two', output: null, created_at: 200 },
      { task_id: 't1', session_id: 's', input: 'one', output: '1', created_at: 100 },
      { task_id: 't3', session_id: 's', input: 'three', output: '3', created_at: 200 },
      { task_id: 'x', session_id: 'other', input: 'x' },
    );
    const ids = ['t3', 't2', 't1'];
    const found = await get('/sessions/s/tasks?limit=1000').expect(200);
    expect(idsOf(found.body.tasks)).toEqual(ids);
    expect(found.body.tasks).toMatchObject([
      { task_position: 3, is_last_task: true },
      { task_position: 2, is_last_task: false },
      { task_position: 1, is_last_task: false },
    ]);
    const posted = await post('/sessions/s/tasks', { limit: 2 }).expect(200);
    expect(idsOf(posted.body.tasks)).toEqual(ids.slice(0, 2));
    const { body } = await get('/sessions/s/transcript').expect(200);
    expect(body).toEqual({
      transcript: 'User: one\nAssistant: 1\nUser: two\nAssistant: \nUser: three\nAssistant: 3\n',
    });
    await get('/sessions/unknown/tasks').expect(404);
    await get('/sessions/unknown/transcript').expect(404);
  });
});

describe('project listings', () => {
  test('GET /projects/{id} answers the project', async () => {
    const { get } = await startCollector();
    const { body } = await get('/projects/demo').expect(200);
    expect(body).toMatchObject({ id: 'demo', project_name: 'demo', org_id: null });
    expect(body.created_at).toBeGreaterThan(now() - 60);
  });

  test('list tasks and sessions newest first, by GET and POST, up to the limit', async () => {
    const { get, log, post } = await startCollector();
    for (const [index, at] of [300, 100, 200].entries())
      await log({ task_id: `t${index}`, session_id: `s${index}`, input: 'x', created_at: at });
    for (const answer of [await get('/projects/demo/tasks'), await post('/projects/demo/tasks')])
      expect(idsOf(answer.body.tasks)).toEqual(['t0', 't2', 't1']);
    for (const answer of [
      await get('/projects/demo/sessions?limit=2'),
      await post('/projects/demo/sessions', { limit: 2 }),
      await post('/projects/demo/sessions?limit=2'),
    ])
      expect(idsOf(answer.body.sessions)).toEqual(['s0', 's2']);
  });

  test.each([
    ['limit=0'],
    ['limit=-1'],
    ['limit=10001'],
    ['limit=1.5'],
    ['limit=abc'],
    ['limit='],
    ['limit=99999999999999999999'],
    ['limit=1&limit=2'],
  ])('answer 422 to %s', async (query) => {
    const { get } = await startCollector();
    const { body } = await get(`/projects/demo/tasks?${query}`).expect(422);
    expect(body.detail[0]).toMatchObject({ loc: ['query', 'limit'], msg: expect.any(String) });
  });

  test.each<[string, object, string[]]>([
    ['created_at_start', { created_at_start: 200 }, ['c', 'b']],
    ['created_at_end', { created_at_end: 200 }, ['b', 'a']],
    ['flag', { flag: 'success' }, ['a']],
    ['metadata text', { metadata: { plan: 'pro' } }, ['b', 'a']],
    ['metadata number', { metadata: { n: 1 } }, ['a']],
    ['metadata boolean', { metadata: { n: true } }, ['b']],
    ['metadata object', { metadata: { o: { x: [1] } } }, ['c']],
    ['metadata of a hostile key', { metadata: { '$."\'--': 'v' } }, ['c']],
    ['user_id', { user_id: 'u1' }, ['a']],
    ['version_id', { version_id: 'v2' }, ['b']],
    ['last_eval_source', { last_eval_source: 'owner' }, ['a']],
    ['has_notes', { has_notes: true }, ['b']],
    ['has_notes: false', { has_notes: false }, ['c', 'a']],
    ['tasks_ids', { tasks_ids: ['a', 'c', 'nope'] }, ['c', 'a']],
    ['no tasks_ids', { tasks_ids: [] }, []],
    ['sessions_ids', { sessions_ids: ['s1'] }, ['b', 'a']],
    ['task_position', { task_position: 1 }, ['a']],
    ['is_last_task', { is_last_task: true }, ['b']],
    ['is_last_task: false', { is_last_task: false }, ['a']],
    ['event_name, of which there are none', { event_name: ['e'] }, []],
    ['language, as logged', { language: 'fr' }, ['c']],
    ['sentiment, as logged', { sentiment: 'positive' }, ['c']],
    ['null, which filters nothing', { flag: null, tasks_ids: null }, ['c', 'b', 'a']],
    ['two, joined by AND', { metadata: { plan: 'pro' }, user_id: 'u1' }, ['a']],
  ])('filter tasks by %s', async (_name, filters, expected) => {
    const { log, post } = await startCollector();
    await log(
      {
        ...{ task_id: 'a', session_id: 's1', input: 'x', created_at: 100, flag: 'success' },
        ...{ user_id: 'u1', metadata: { plan: 'pro', n: 1 } },
      },
      {
        ...{ task_id: 'b', session_id: 's1', input: 'x', created_at: 200, version_id: 'v2' },
        metadata: { plan: 'pro', n: true },
      },
      {
        ...{ task_id: 'c', input: 'x', created_at: 300, language: 'fr', sentiment: 'positive' },
        metadata: { o: { x: [1] }, '$."\'--': 'v' },
      },
    );
    await post('/tasks/b', { notes: 'look' });
    const { body } = await post('/projects/demo/tasks', { filters }).expect(200);
    expect(idsOf(body.tasks)).toEqual(expected);
  });

  test('filter sessions by their own time and id, and by what one of their tasks meets', async () => {
    const { log, post } = await startCollector();
    await log(
      { session_id: 's1', input: 'x', created_at: 100, user_id: 'u1', flag: 'failure' },
      { session_id: 's1', input: 'x', created_at: 110, user_id: 'u2' },
      { session_id: 's2', input: 'x', created_at: 200, user_id: 'u2' },
    );
    const ids = async (filters: object) =>
      idsOf((await post('/projects/demo/sessions', { filters }).expect(200)).body.sessions);
    expect(await ids({ created_at_start: 150 })).toEqual(['s2']);
    expect(await ids({ created_at_end: 150 })).toEqual(['s1']);
    expect(await ids({ sessions_ids: ['s1'] })).toEqual(['s1']);
    expect(await ids({ sessions_ids: [] })).toEqual([]);
    expect(await ids({ user_id: 'u2' })).toEqual(['s2', 's1']);
    expect(await ids({ user_id: 'u2', flag: 'failure' })).toEqual([]);
    expect(await ids({})).toEqual(['s2', 's1']);
  });
});

describe('flat tasks', () => {
  test('are read, changed and sent back without giving new verdicts on the rest', async () => {
    const { get, log, post } = await startCollector();
    await log(
      { task_id: 'a', session_id: 's', input: 'x', output: 'y', created_at: 100, flag: 'success' },
      { task_id: 'b', input: 'z', created_at: 200 },
    );
    const flat = await post('/projects/demo/tasks/flat', { with_sessions: true }).expect(200);
    expect(flat.body.flattened_tasks).toMatchObject([
      { task_id: 'b', session_id: null, session_length: null, event_name: null, task_eval: null },
      {
        ...{ task_id: 'a', task_input: 'x', task_output: 'y', task_created_at: 100 },
        ...{ session_id: 's', session_length: 1, task_eval: 'success', task_eval_source: 'owner' },
      },
    ]);
    const before = (await get('/tasks/a')).body.last_eval;
    const rows = flat.body.flattened_tasks;
    rows[0] = { ...rows[0], task_eval: 'failure', task_eval_source: 'me', task_eval_at: 5 };
    rows[1] = { ...rows[1], task_metadata: { seen: true } };
    const updated = await post('/projects/demo/tasks/flat-update', { flattened_tasks: rows });
    expect([updated.status, updated.body]).toEqual([200, null]);
    expect((await get('/tasks/a')).body).toMatchObject({
      metadata: { seen: true },
      last_eval: before,
    });
    expect((await get('/tasks/b')).body).toMatchObject({
      flag: 'failure',
      last_eval: { source: 'me', created_at: 5 },
    });
  });

  test('are read by GET too, as the first Python client asks for them', async () => {
    const { get, log } = await startCollector();
    await log({ task_id: 'a', session_id: 's', input: 'x' }, { task_id: 'b', input: 'y' });
    const all = await get('/projects/demo/tasks/flat').expect(200);
    expect(all.body.flattened_tasks).toHaveLength(2);
    const one = await get('/projects/demo/tasks/flat/?limit=1&with_events=False').expect(200);
    expect(one.body.flattened_tasks).toHaveLength(1);
    expect(one.body.flattened_tasks[0]).toHaveProperty('session_id');
    expect(one.body.flattened_tasks[0]).not.toHaveProperty('event_name');
    await get('/projects/demo/tasks/flat?with_events=maybe').expect(422);
  });

  test('a time that no database counts up to is brought to one that it does', async () => {
    const { get, log, post } = await startCollector();
    await log({ task_id: 'a', input: 'x' });
    for (const [time, stored] of [
      [1e300, Number.MAX_SAFE_INTEGER],
      [-1e300, -Number.MAX_SAFE_INTEGER],
      [10.7, 10],
    ] as const) {
      const task_eval = time > 0 ? 'success' : 'failure';
      const row = { task_id: 'a', task_eval, task_eval_source: `${time}`, task_eval_at: time };
      await post('/projects/demo/tasks/flat-update', { flattened_tasks: [row] }).expect(200);
      expect((await get('/tasks/a')).body.last_eval.created_at).toBe(stored);
      const filters = { created_at_start: -1e300, created_at_end: 1e300 };
      const listed = await post('/projects/demo/tasks', { filters }).expect(200);
      expect(idsOf(listed.body.tasks)).toEqual(['a']);
    }
  });

  test('an update with an unknown id changes nothing', async () => {
    const { get, log, post } = await startCollector();
    await log({ task_id: 'a', input: 'x' });
    const flattened_tasks = [
      { task_id: 'a', task_eval: 'failure' },
      { task_id: 'nope', task_eval: 'failure' },
    ];
    await post('/projects/demo/tasks/flat-update', { flattened_tasks }).expect(404);
    expect((await get('/tasks/a')).body.flag).toBeNull();
  });

  test('leave out sessions and events when asked to', async () => {
    const { log, post } = await startCollector();
    await log({ task_id: 'a', session_id: 's', input: 'x' });
    const { body } = await post('/projects/demo/tasks/flat', {
      with_events: false,
      with_sessions: false,
      limit: 1,
    });
    expect(body.flattened_tasks[0]).not.toHaveProperty('session_id');
    expect(body.flattened_tasks[0]).not.toHaveProperty('event_name');
  });
});

describe('tests', () => {
  test('"completed" scores the test’s evals, merges the summary and ends the test', async () => {
    const { get, log, post } = await startCollector();
    const created = await post('/tests', { project_id: 'demo', summary: { a: 1, b: 1 } });
    const { id } = created.body;
    expect(created.body).toMatchObject({
      status: 'started',
      terminated_at: null,
      project_id: 'demo',
    });
    await log(
      { task_id: 'a', input: 'x', test_id: id, flag: 'success' },
      { task_id: 'b', input: 'x', test_id: id },
      { task_id: 'c', input: 'x', flag: 'failure' },
    );
    await post('/tasks/b/flag', { flag: 'failure' }).expect(200);
    const { body } = await post(`/tests/${id}`, { status: 'completed', summary: { b: 2 } });
    expect(body.summary).toEqual({ a: 1, b: 2, overall_score: 0.5 });
    expect(body.terminated_at).toBeGreaterThan(0);
    expect((await get(`/tests/${id}`)).body).toEqual(body);
  });

  test('a test without evals has no score; "canceled" ends it too; "started" reopens it', async () => {
    const { post } = await startCollector();
    const { id } = (await post('/tests', { project_id: 'demo' })).body;
    const completed = await post(`/tests/${id}`, { status: 'completed' });
    expect(completed.body.summary).toEqual({ overall_score: null });
    expect((await post(`/tests/${id}`, { status: 'started' })).body.terminated_at).toBeNull();
    const canceled = await post(`/tests/${id}`, { status: 'canceled' });
    expect(canceled.body).toMatchObject({ status: 'canceled', terminated_at: expect.any(Number) });
    await post(`/tests/${id}`, { status: 'paused' }).expect(422);
    await post('/tests/unknown', { status: 'completed' }).expect(404);
  });

  test('/evals/compare says that it has no judge, in both spellings', async () => {
    const { post } = await startCollector();
    for (const path of ['/evals/compare', '/evals/compare/']) {
      const { body } = await post(path, { project_id: 'demo' }).expect(501);
      expect(body.detail).toContain('PHOSPHO_JUDGE_BASE_URL');
    }
  });
});

test('takes what the Python client sends, with its nulls and spellings', async () => {
  const { get, log, post } = await startCollector();
  await log({
    ...{ task_id: 't', session_id: 's', input: 'x', output: null, client_created_at: now() },
    ...{ raw_input: { messages: [] }, raw_output: null, raw_output_type_name: 'NoneType' },
    ...{ environment: null, metadata: null, flag: null, test_id: null, version_id: null },
  });
  const flag = { flag: 'failure', source: 'user', notes: null };
  expect((await post('/tasks/t/flag/', flag).expect(200)).body.flag).toBe('failure');
  const { id } = (await post('/tests', { project_id: 'demo', summary: null }).expect(200)).body;
  await post(`/tests/${id}`, { status: 'completed' }).expect(200);
  expect((await get('/sessions/s/tasks?limit=1000').expect(200)).body.tasks).toHaveLength(1);
  await get('/projects/demo/sessions?limit=1000').expect(200);
  await get('/projects/demo/tasks?limit=1000').expect(200);
  const update = { metadata: { a: 1 }, data: null, notes: null, flag: null, flag_source: null };
  expect((await post('/tasks/t', update).expect(200)).body.metadata).toEqual({ a: 1 });
  await post('/sessions/s', { metadata: null, data: { b: 1 }, preview: null }).expect(200);
});

test('every route takes a trailing slash', async () => {
  const { get, log, post } = await startCollector();
  await log({ task_id: 't', session_id: 's', input: 'x' });
  const { id } = (await post('/tests/', { project_id: 'demo' }).expect(200)).body;
  await post('/log/demo/', { batched_log_events: [] }).expect(200, { logged_events: [] });
  await post('/tasks/', { project_id: 'demo', input: 'x' }).expect(200);
  await post('/sessions/', { project_id: 'demo' }).expect(200);
  await post('/tasks/t/flag/', { flag: 'success' }).expect(200);
  await post('/tasks/t/human-eval/', { human_eval: 'success' }).expect(200);
  await post('/projects/demo/tasks/flat/').expect(200);
  await post('/projects/demo/tasks/flat-update/', { flattened_tasks: [] }).expect(200);
  for (const path of ['/tasks/t/', '/sessions/s/', `/tests/${id}/`]) {
    await get(path).expect(200);
    await post(path, {}).expect(200);
  }
  for (const path of ['/sessions/s/tasks/', '/projects/demo/tasks/', '/projects/demo/sessions/']) {
    await get(path).expect(200);
    await post(path).expect(200);
  }
  for (const path of ['/sessions/s/transcript/', '/projects/demo/', '/health/'])
    await get(path).expect(200);
});

test('/health answers without a key, at the root and below /v2', async () => {
  const { collector } = await startCollector();
  await agent(collector.app).get('/health').expect(200, { status: 'ok' });
  await agent(collector.app).get('/v2/health').expect(200, { status: 'ok' });
});

test('serves the same on Express 4', async () => {
  const adminToken = 'the-admin-token-of-the-tests';
  const options = { database: 'sqlite::memory:', port: 0, flagWaitMs: 1, adminToken };
  // Express 4 has no types of its own.
  const express4 = createRequire(import.meta.url)('express4') as ExpressModule;
  const collector = await openCollector(options, express4);
  onTestFinished(() => collector.close());
  const key = await collector.settleKey({ renew: false });
  const http = agent(collector.app).set('authorization', `Bearer ${key.plain}`);
  const batched_log_events = [{ task_id: 't', session_id: 's', input: 'x' }, { input: 1 }];
  const logged = await http.post('/v2/log/demo/').send({ batched_log_events }).expect(200);
  expect(logged.body.logged_events[1]).toEqual({ error_in_log: expect.stringContaining('input') });
  await http.post('/v2/tasks/t/flag').send({ flag: 'success' }).expect(200);
  await http.post('/v2/tasks/none/flag').send({ flag: 'success' }).expect(404);
  await http.post('/v2/projects/demo/tasks').expect(200);
  await http.get('/v2/projects/demo/tasks?limit=x').expect(422);
  await http.get('/v2/tasks/%E0%A4%A').expect(400);
  await http.post('/v2/tasks').set('content-type', 'application/json').send('{').expect(400);
  await http.put('/v2/tasks/t').expect(405);
  await http.get('/nope').expect(404);
  const admin = agent(collector.app).set('authorization', `Bearer ${adminToken}`);
  const { body: made } = await admin.post('/v2/admin/projects/demo/keys').send({}).expect(200);
  await admin.delete(`/v2/admin/projects/demo/keys/${made.id}`).expect(200);
  await admin.delete(`/v2/admin/projects/demo/keys/${made.id}/`).expect(404);
});
