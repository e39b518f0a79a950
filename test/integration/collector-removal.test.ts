import { readFileSync } from 'node:fs';
import { agent } from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import { taskOfEvent } from '../../src/collector/inputs/log-event.ts';
import { fold } from '../../src/collector/otlp/folder.ts';
import { keptSpan } from '../../src/collector/otlp/kept-span.ts';
import type { NewTask } from '../../src/collector/store/store.ts';
import { kind } from '../helpers/databases.ts';
import { idsOf, now } from './collector-helpers.ts';
import { scratch, startAdministered, storeOf } from './removal-helpers.ts';

const T0 = now() - 1000;

/** Three sessions of two users, and a task without a session. */
const EVENTS = [
  { task_id: 'a1', session_id: 's1', user_id: 'ada', input: 'apricot', created_at: T0 },
  { task_id: 'a2', session_id: 's1', user_id: 'ada', input: 'banana', created_at: T0 + 1 },
  { task_id: 'a3', session_id: 's2', user_id: 'ada', input: 'cherry', created_at: T0 + 2 },
  { task_id: 'b1', session_id: 's2', user_id: 'bob', input: 'damson', created_at: T0 + 3 },
  { task_id: 'b2', session_id: 's3', user_id: 'bob', input: 'elder', created_at: T0 + 4 },
  { task_id: 'a4', user_id: 'ada', input: 'fig', output: 'a fruit', created_at: T0 + 5 },
];

async function start() {
  const started = await startAdministered();
  await started.log(...EVENTS);
  const tasks = async () =>
    idsOf((await started.get('/projects/demo/tasks').expect(200)).body.tasks);
  const preview = async (id: string) =>
    (await started.get(`/sessions/${id}`).expect(200)).body.preview;
  return { ...started, tasks, preview };
}

describe('DELETE /tasks/{id}', () => {
  test('takes the task out of lists, figures and search, with its verdicts', async () => {
    const { remove, get, post, tasks, options } = await start();
    await post('/tasks/a2/flag', { flag: 'failure', notes: 'guava' }).expect(200);
    const store = await storeOf(options);
    const found = async (q: string) =>
      idsOf((await store.dashboard.tasks('demo', { q, limit: 10 })).rows);
    expect(await found('banana')).toEqual(['a2']);
    const { body } = await remove('/tasks/a2').expect(200);
    expect(body).toEqual({ deleted_tasks: 1, deleted_sessions: 0 });
    await get('/tasks/a2').expect(404);
    expect(await tasks()).toEqual(['a4', 'b2', 'b1', 'a3', 'a1']);
    expect([await found('banana'), await found('guava')]).toEqual([[], []]);
    const hour = T0 - (T0 % 3600);
    const { totals } = await store.dashboard.overview('demo', { starts: [hour], to: hour + 7200 });
    expect(totals).toMatchObject({ tasks: 5, failure: 0 });
    await remove('/tasks/a2').expect(404);
  });

  test('makes the preview of its session anew, and empties it with the last one', async () => {
    const { remove, preview } = await start();
    expect(await preview('s1')).toBe('apricot');
    await remove('/tasks/a1').expect(200);
    expect(await preview('s1')).toBe('banana');
    await remove('/tasks/a2').expect(200);
    expect(await preview('s1')).toBeNull();
  });
});

test('DELETE /sessions/{id} takes the session and its tasks, whoever their user is', async () => {
  const { remove, get, tasks, post } = await start();
  const { body } = await remove('/sessions/s2').expect(200);
  expect(body).toEqual({ deleted_tasks: 2, deleted_sessions: 1 });
  await get('/sessions/s2').expect(404);
  expect(await tasks()).toEqual(['a4', 'b2', 'a2', 'a1']);
  await remove('/sessions/s2').expect(404);
  const empty = (await post('/sessions', { project_id: 'demo' }).expect(200)).body.id;
  const answer = await remove(`/sessions/${empty}`).expect(200);
  expect(answer.body).toEqual({ deleted_tasks: 0, deleted_sessions: 1 });
});

describe('DELETE /projects/{id}/users/{id}', () => {
  test('takes all tasks of a user, and the sessions that are left without any', async () => {
    const { remove, get, tasks, preview } = await start();
    const { body } = await remove('/projects/demo/users/ada').expect(200);
    expect(body).toEqual({ deleted_tasks: 4, deleted_sessions: 1 });
    expect(await tasks()).toEqual(['b2', 'b1']);
    await get('/sessions/s1').expect(404);
    expect(await preview('s2')).toBe('damson');
  });

  test('is no error where there is nothing of the user', async () => {
    const { remove, tasks } = await start();
    const { body } = await remove('/projects/demo/users/o%2F%25_"').expect(200);
    expect(body).toEqual({ deleted_tasks: 0, deleted_sessions: 0 });
    expect(await tasks()).toHaveLength(6);
    await remove('/projects/other/users/ada').expect(403);
  });
});

test('what was deleted does not come back when its event is sent again', async () => {
  const { remove, log, post, get, tasks, options } = await start();
  await remove('/projects/demo/users/ada').expect(200);
  const again = await log(...EVENTS, { task_id: 'new', input: 'x' });
  expect(again.map(({ task_id }) => task_id)).toEqual([...EVENTS.map((e) => e.task_id), 'new']);
  expect(await tasks()).toEqual(['new', 'b2', 'b1']);
  await get('/sessions/s1').expect(404);
  await post('/tasks', { project_id: 'demo', task_id: 'a1', input: 'x' }).expect(404);
  const store = await storeOf(options);
  await store.projects.ensure('other');
  const own = taskOfEvent({ ...EVENTS[0], project_id: 'other' }, 'other') as NewTask;
  expect(await store.tasks.add('other', [own])).toEqual(new Set(['a1']));
});

test('is noted in the audit, without texts, and counted', async () => {
  const { remove, options, collector } = await start();
  await remove('/projects/demo/users/ada').expect(200);
  await remove('/tasks/b1').expect(200);
  const entries = await (await storeOf(options)).audit.list('demo', { limit: 2 });
  expect(entries).toMatchObject([
    { act: 'task.delete', subject: 'b1', details: { tasks: 1, sessions: 0 } },
    { act: 'user.delete', subject: 'ada', details: { tasks: 4, sessions: 1 } },
  ]);
  expect(entries[0]?.actor).toMatch(/^key key_[0-9a-f]{16}$/);
  const { text } = await agent(collector.app).get('/metrics').expect(200);
  expect(text).toContain('deleted_tasks_total{reason="request"} 5');
});

test('a project sets its own retention by the API', async () => {
  const { post, get } = await startAdministered();
  const settings = { retention_days: 30, retention_bytes: 0 };
  const { body } = await post('/admin/projects/demo', { settings }).expect(200);
  expect(body.settings).toEqual(settings);
  for (const wrong of [
    { retention_days: -1 },
    { retention_bytes: '5' },
    { retention_days: 36_501 },
  ])
    await post('/admin/projects/demo', { settings: wrong }).expect(422);
  await post('/admin/projects/demo', { settings: { retention_days: null } }).expect(200);
  const shown = await get('/admin/projects/demo').expect(200);
  expect(shown.body.settings).toEqual({ retention_bytes: 0 });
});

test('needs a key that may administer', async () => {
  const { remove } = await startAdministered(undefined, ['read', 'write']);
  for (const path of ['/tasks/a', '/sessions/s', '/projects/demo/users/u'])
    await remove(path).expect(403);
});

const TRACE = 'a'.repeat(32);
const spanOf = (spanId: string, attributes: Record<string, string>, parentId?: string) => {
  const start = (T0 + 10) * 1000;
  const text = JSON.stringify(
    keptSpan(
      {
        traceId: TRACE,
        spanId,
        parentId,
        name: 'chat',
        start,
        end: start + 5,
        isError: false,
        message: undefined,
        attributes,
        events: [],
        origin: {},
      } as never,
      Date.now(),
    ),
  );
  return { traceId: TRACE, spanId, text };
};
describe('spans that wait', () => {
  const OF_ADA = spanOf('b'.repeat(16), {
    'gen_ai.prompt': 'secret',
    'gen_ai.completion': 'answer',
    'user.id': 'ada',
    'session.id': 's9',
  });

  test.each([['/projects/demo/users/ada'], ['/sessions/s9']])(
    'go with their user or session: %s',
    async (path) => {
      const { remove, options, tasks } = await start();
      const store = await storeOf(options);
      // Long ago, and due in the future: no collector folds it before.
      await store.spans.add('demo', [OF_ADA], Date.now() + 60_000);
      await remove(path);
      await store.spans.fold('demo', [TRACE], Date.now() + 120_000, fold);
      expect(await tasks()).not.toContain(`otel_${TRACE}_${'b'.repeat(16)}`);
    },
  );

  test('go with a task that was made of them; what comes later does not bring it back', async () => {
    const { remove, options, tasks } = await start();
    const store = await storeOf(options);
    const at = Date.now() + 60_000;
    await store.spans.add('demo', [OF_ADA], at);
    await store.spans.fold('demo', [TRACE], at + 60_000, fold);
    const id = `otel_${TRACE}_${'b'.repeat(16)}`;
    expect(await tasks()).toContain(id);
    await remove(`/tasks/${id}`).expect(200);
    const resent = await store.spans.add('demo', [OF_ADA], at);
    expect(resent).toEqual({ stored: 0, duplicate: 1, rejected: 0 });
    await store.spans.fold('demo', [TRACE], at + 60_000, fold);
    expect(await tasks()).not.toContain(id);
  });
});

describe('a trace of several spans', () => {
  const work = { 'gen_ai.prompt': 'secret', 'gen_ai.completion': 'answer' };
  const ROOT = '1'.repeat(16);
  const CHILD = '2'.repeat(16);

  test('does not come back by a step of it that is sent again', async () => {
    const { remove, options, tasks } = await start();
    const store = await storeOf(options);
    const at = Date.now() + 60_000;
    const child = spanOf(CHILD, work, ROOT);
    await store.spans.add('demo', [spanOf(ROOT, { ...work, 'user.id': 'ada' }), child], at);
    await store.spans.fold('demo', [TRACE], at + 60_000, fold);
    const before = await tasks();
    expect(before).toContain(`otel_${TRACE}_${ROOT}`);
    await remove('/projects/demo/users/ada').expect(200);
    const left = await tasks();
    await store.spans.add('demo', [child], at + 60_000);
    await store.spans.fold('demo', [TRACE], at + 120_000, fold);
    expect(await tasks()).toEqual(left);
  });

  test('leaves no text in the preview of a session that it was of until all of it had come', async () => {
    const { options } = await start();
    const store = await storeOf(options);
    const at = Date.now() + 60_000;
    await store.spans.add('demo', [spanOf(CHILD, { ...work, 'session.id': 'first' }, ROOT)], at);
    await store.spans.fold('demo', [TRACE], at + 60_000, fold);
    expect(await store.sessions.find('demo', 'first')).toMatchObject({
      preview: 'secret -> answer',
    });
    await store.spans.add('demo', [spanOf(ROOT, { ...work, 'session.id': 'then' })], at + 60_000);
    await store.spans.fold('demo', [TRACE], at + 120_000, fold);
    expect(await store.sessions.find('demo', 'then')).toMatchObject({ session_length: 1 });
    expect(await store.sessions.find('demo', 'first')).toMatchObject({ preview: null });
  });
});

const isSqlite = kind === 'sqlite' || kind === 'libsql';

test.runIf(isSqlite)('a deleted text is in the database’s files no more', async () => {
  const path = `${scratch()}/phospho.db`;
  const { remove, log } = await startAdministered({ database: `sqlite:${path}` });
  const files = () =>
    [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1').toLowerCase()).join('');
  // The index leaves out of a word what it shares with its neighbour.
  const secret = (part: string) => `${part}zq${part}kwomblefizz`;
  const event = (index: number) => ({
    task_id: `t${index}`,
    session_id: index < 30 ? `s${index}` : 'shared',
    user_id: index % 2 === 0 ? 'ada' : 'bob',
    input: index % 2 === 0 ? `${secret('in')} ${'long '.repeat(2000)}` : 'harmless',
    output: index % 2 === 0 ? secret('out') : 'harmless',
    metadata: { note: index % 2 === 0 ? secret('meta') : 'harmless' },
  });
  for (let index = 0; index < 60; index++) await log(event(index));
  expect(files()).toContain('kwomblefizz');
  await remove('/projects/demo/users/ada').expect(200);
  await vi.waitFor(() => expect(files()).not.toContain('womblefizz'), { timeout: 15_000 });
  expect(files()).toContain('harmless');
});
