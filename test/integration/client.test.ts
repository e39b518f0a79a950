import fc from 'fast-check';
import { type Client, type LogEvent, Session, Task } from 'phospho-express/client';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/internal/version.ts';
import {
  COMPARISON,
  clientFor,
  failure,
  KEY,
  PROJECT,
  phosphoServer,
  type Reply,
  SESSION,
  TASK,
  TEST,
} from './client-fixture.ts';

const P = encodeURIComponent(PROJECT);
const EVENT: LogEvent = { task_id: 't1', input: 'Hi', client_created_at: 1_700_000_000 };

/** What each method sends, and where to; what the server says to it, and what the caller gets. */
const CALLS: Record<
  string,
  [run: (client: Client) => PromiseLike<unknown>, sent: string, body: unknown, answer: unknown]
> = {
  'sessions.create': [
    (c) => c.sessions.create({ data: { a: 1 } }),
    'POST /v2/sessions',
    { project_id: PROJECT, data: { a: 1 } },
    SESSION,
  ],
  'sessions.create without data': [
    (c) => c.sessions.create(),
    'POST /v2/sessions',
    { project_id: PROJECT },
    SESSION,
  ],
  'sessions.get': [
    (c) => c.sessions.get('a/b c'),
    'GET /v2/sessions/a%2Fb%20c',
    undefined,
    SESSION,
  ],
  'sessions.list': [
    (c) => c.sessions.list(),
    `GET /v2/projects/${P}/sessions`,
    undefined,
    { sessions: [SESSION] },
  ],
  'sessions.list with a limit': [
    (c) => c.sessions.list({ limit: 5 }),
    `GET /v2/projects/${P}/sessions?limit=5`,
    undefined,
    { sessions: [] },
  ],
  'tasks.create': [
    (c) =>
      c.tasks.create({
        input: 'Hi',
        output: 'Hello!',
        sessionId: 's1',
        taskId: 't1',
        additionalInput: { i: 1 },
        additionalOutput: { o: 1 },
        data: { d: 1 },
        metadata: { m: 1 },
        flag: 'success',
      }),
    'POST /v2/tasks',
    {
      project_id: PROJECT,
      session_id: 's1',
      task_id: 't1',
      input: 'Hi',
      output: 'Hello!',
      additional_input: { i: 1 },
      additional_output: { o: 1 },
      data: { d: 1 },
      metadata: { m: 1 },
      flag: 'success',
    },
    TASK,
  ],
  'tasks.create with the least': [
    (c) => c.tasks.create({ input: '', output: '' }),
    'POST /v2/tasks',
    { project_id: PROJECT, input: '', output: '' },
    TASK,
  ],
  'tasks.get': [(c) => c.tasks.get('t1'), 'GET /v2/tasks/t1', undefined, TASK],
  'tasks.list': [
    (c) => c.tasks.list(),
    `POST /v2/projects/${P}/tasks`,
    { filters: {} },
    { tasks: [TASK] },
  ],
  'tasks.list with filters': [
    (c) =>
      c.tasks.list({ filters: { flag: 'failure', user_id: 'u', is_last_task: true }, limit: 2 }),
    `POST /v2/projects/${P}/tasks`,
    { filters: { flag: 'failure', user_id: 'u', is_last_task: true }, limit: 2 },
    { tasks: [] },
  ],
  'tasks.listFlat': [
    (c) =>
      c.tasks.listFlat({
        limit: 3,
        withEvents: true,
        withSessions: false,
        withRemovedEvents: true,
      }),
    `POST /v2/projects/${P}/tasks/flat`,
    { limit: 3, with_events: true, with_sessions: false, with_removed_events: true },
    { flattened_tasks: [{ task_id: 't1', task_input: 'Hi' }] },
  ],
  'tasks.updateFlat, given whole rows': [
    (c) =>
      c.tasks.updateFlat([
        {
          task_id: 't1',
          task_eval: 'failure',
          task_metadata: { a: 1 },
          ...{ task_input: 'Hi', event_name: 'e' },
        },
      ]),
    `POST /v2/projects/${P}/tasks/flat-update`,
    { flattened_tasks: [{ task_id: 't1', task_eval: 'failure', task_metadata: { a: 1 } }] },
    null,
  ],
  flag: [
    (c) => c.flag('t 1', 'success'),
    'POST /v2/tasks/t%201/flag',
    { flag: 'success', source: 'user', project_id: PROJECT },
    TASK,
  ],
  'flag with notes': [
    (c) => c.flag('t1', 'failure', { source: 'owner', notes: 'no' }),
    'POST /v2/tasks/t1/flag',
    { flag: 'failure', source: 'owner', notes: 'no', project_id: PROJECT },
    TASK,
  ],
  'flag with a note': [
    (c) => c.flag('t1', 'failure', { note: 'no' }),
    'POST /v2/tasks/t1/flag',
    { flag: 'failure', source: 'user', notes: 'no', project_id: PROJECT },
    TASK,
  ],
  compare: [
    (c) => c.compare('q', 'a', 'b', { testId: 'x1', instructions: 'be fair' }),
    'POST /v2/evals/compare',
    {
      project_id: PROJECT,
      context_input: 'q',
      old_output: 'a',
      new_output: 'b',
      instructions: 'be fair',
      test_id: 'x1',
    },
    COMPARISON,
  ],
  'compare with the least': [
    (c) => c.compare('q', 'a', 'b'),
    'POST /v2/evals/compare',
    { project_id: PROJECT, context_input: 'q', old_output: 'a', new_output: 'b' },
    COMPARISON,
  ],
  createTest: [
    (c) => c.createTest({ summary: { a: 1 } }),
    'POST /v2/tests',
    { project_id: PROJECT, summary: { a: 1 } },
    TEST,
  ],
  'createTest with nothing': [
    (c) => c.createTest(),
    'POST /v2/tests',
    { project_id: PROJECT },
    TEST,
  ],
  getTest: [(c) => c.getTest('x1'), 'GET /v2/tests/x1', undefined, TEST],
  updateTest: [
    (c) => c.updateTest('x1', { status: 'completed', summary: { b: 2 } }),
    'POST /v2/tests/x1',
    { status: 'completed', summary: { b: 2 } },
    TEST,
  ],
  log: [
    (c) => c.log([EVENT]),
    `POST /v2/log/${P}`,
    { batched_log_events: [EVENT] },
    { logged_events: [EVENT] },
  ],
  project: [(c) => c.project(), `GET /v2/projects/${P}`, undefined, { id: PROJECT, other: 1 }],
  get: [
    (c) => c.get('/any thing', { a: 'b&c', n: 1, no: undefined }),
    'GET /v2/any%20thing?a=b%26c&n=1',
    undefined,
    [1],
  ],
  post: [(c) => c.post('any', { x: [1] }), 'POST /v2/any', { x: [1] }, 'null'],
  'post without a body': [(c) => c.post('/any'), 'POST /v2/any', undefined, {}],
};

describe('what each method sends', () => {
  for (const [name, [run, sent, body, answer]] of Object.entries(CALLS)) {
    it(name, async () => {
      const server = await phosphoServer(() => ({ body: answer === null ? 'null' : answer }));
      const client = clientFor(server.url);
      await run(client);
      expect(server.seen).toHaveLength(1);
      const [seen] = server.seen;
      expect(`${seen?.method} ${seen?.url}`).toBe(sent);
      expect(seen?.body).toEqual(body);
      expect(seen?.headers).toMatchObject({
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        accept: 'application/json',
        'user-agent': `phospho-express/${VERSION}`,
      });
    });
  }
});

const serve = (replies: Record<string, unknown>) =>
  phosphoServer(({ method, url }): Reply => {
    const body = replies[`${method} ${url}`];
    return body === undefined ? { status: 404, body: { detail: 'no such route' } } : { body };
  });

describe('sessions and tasks as objects', () => {
  it('a task keeps the fields that the client does not know', async () => {
    const server = await serve({ 'GET /v2/tasks/t1': TASK });
    const task = await clientFor(server.url).tasks.get('t1');
    expect(task).toBeInstanceOf(Task);
    expect(task.id).toBe('t1');
    expect(task.content).toEqual(TASK);
  });

  it('a task is refreshed, updated and flagged in place', async () => {
    const server = await serve({
      'GET /v2/tasks/t1': { ...TASK, notes: 'read' },
      'POST /v2/tasks': TASK,
      'POST /v2/tasks/t1': { ...TASK, notes: 'updated' },
      'POST /v2/tasks/t1/flag': { ...TASK, flag: 'failure' },
    });
    const task = await clientFor(server.url).tasks.create({ input: 'Hi', output: 'Hello!' });
    expect((await task.refresh()).content.notes).toBe('read');
    const changes = {
      metadata: { a: 1 },
      data: null,
      notes: 'n',
      flag: 'success',
      flagSource: 'me',
    };
    expect(await task.update(changes as Parameters<Task['update']>[0])).toBe(task);
    expect(task.content.notes).toBe('updated');
    expect(await task.flag('failure', { notes: 'no' })).toBe(task);
    expect(task.content.flag).toBe('failure');
    expect(server.seen.slice(2).map(({ body }) => body)).toEqual([
      { metadata: { a: 1 }, data: null, notes: 'n', flag: 'success', flag_source: 'me' },
      { flag: 'failure', source: 'user', notes: 'no', project_id: PROJECT },
    ]);
  });

  it('a session is refreshed and updated in place, and gives its tasks and its transcript', async () => {
    const server = await serve({
      'GET /v2/sessions/s1': { ...SESSION, preview: 'read' },
      'POST /v2/sessions/s1': { ...SESSION, preview: 'updated' },
      'GET /v2/sessions/s1/tasks': { tasks: [TASK] },
      'GET /v2/sessions/s1/tasks?limit=7': { tasks: [] },
      'GET /v2/sessions/s1/transcript': { transcript: 'User: Hi\nAssistant: Hello!\n' },
    });
    const session = await clientFor(server.url).sessions.get('s1');
    expect(session).toBeInstanceOf(Session);
    expect(await session.update({ preview: 'p', notes: 'n', data: { d: 1 } })).toBe(session);
    expect(session.content.preview).toBe('updated');
    expect(server.seen[1]?.body).toEqual({ preview: 'p', notes: 'n', data: { d: 1 } });
    expect((await session.refresh()).content.preview).toBe('read');
    const [task] = await session.listTasks();
    expect(task).toBeInstanceOf(Task);
    expect(await session.listTasks({ limit: 7 })).toEqual([]);
    expect(await session.transcript()).toBe('User: Hi\nAssistant: Hello!\n');
  });

  it('what a server leaves out of a task or session has its default', async () => {
    const { events: _, ...task } = TASK;
    const { events: __, session_length: ___, ...session } = SESSION;
    const server = await serve({ 'GET /v2/tasks/t1': task, 'GET /v2/sessions/s1': session });
    const client = clientFor(server.url);
    expect((await client.tasks.get('t1')).content.events).toEqual([]);
    expect((await client.sessions.get('s1')).content.session_length).toBe(0);
  });

  it('a flag goes without the project where none is known', async () => {
    const server = await serve({ 'POST /v2/tasks/t1/flag': TASK });
    await clientFor(server.url, { projectId: '' }).flag('t1', 'success');
    expect(server.seen[0]?.body).toEqual({ flag: 'success', source: 'user' });
  });
});

describe('lists', () => {
  const listing = () =>
    serve({
      [`POST /v2/projects/${P}/tasks`]: { tasks: [TASK, { ...TASK, id: 't2' }] },
      [`POST /v2/projects/${P}/tasks/flat`]: { flattened_tasks: [{ task_id: 't1', extra: 1 }] },
    });

  it('an awaited list is an array', async () => {
    const server = await listing();
    const client = clientFor(server.url);
    const tasks = await client.tasks.list();
    expect(Array.isArray(tasks)).toBe(true);
    expect(tasks.map(({ id }) => id)).toEqual(['t1', 't2']);
    expect(await client.tasks.listFlat()).toEqual([{ task_id: 't1', extra: 1 }]);
  });

  it('a list can be iterated over, and used again, with one request', async () => {
    const server = await listing();
    const list = clientFor(server.url).tasks.list();
    const ids: string[] = [];
    for await (const task of list) ids.push(task.id);
    for await (const task of list) {
      ids.push(task.id);
      break;
    }
    expect(ids).toEqual(['t1', 't2', 't1']);
    expect(await list.finally(() => {})).toHaveLength(2);
    expect(server.seen).toHaveLength(1);
  });

  it('a list that is not used sends nothing and fails nothing', async () => {
    const server = await listing();
    clientFor(server.url).tasks.list();
    clientFor(server.url, { projectId: '' }).sessions.list({ limit: -1 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.seen).toHaveLength(0);
  });

  it('a list that fails rejects at its use, awaited or iterated', async () => {
    const client = clientFor('http://127.0.0.1:9', { projectId: '' });
    const list = client.sessions.list();
    expect(await list.catch((error: Error) => error.name)).toBe('PhosphoConfigError');
    await expect(
      (async () => {
        for await (const _ of list);
      })(),
    ).rejects.toThrow('PHOSPHO_PROJECT_ID');
  });
});

describe('arguments that no server gets to see', () => {
  const refused: Record<string, (client: Client) => PromiseLike<unknown>> = {
    'an empty id': (c) => c.tasks.get(''),
    'a blank id': (c) => c.sessions.get(' \t'),
    'the id "."': (c) => c.tasks.get('.'),
    'the id ".."': (c) => c.flag('..', 'success'),
    'a lone surrogate': (c) => c.getTest('\ud800'),
    'an id that is no string': (c) => c.tasks.get(7 as unknown as string),
    'an empty session id': (c) => c.tasks.create({ input: '', output: '', sessionId: '' }),
    'a row without an id': (c) => c.tasks.updateFlat([{ task_id: '' }]),
    'a limit of 0': (c) => c.tasks.list({ limit: 0 }),
    'a limit of 1.5': (c) => c.sessions.list({ limit: 1.5 }),
    'an input that is no string': (c) => c.tasks.create({ input: {} as string, output: '' }),
    'a status that is none': (c) => c.updateTest('x1', { status: 'done' as 'completed' }),
    'events that are no array': (c) => c.log(EVENT as unknown as LogEvent[]),
    'a body with a cycle': (c) => {
      const data: Record<string, unknown> = {};
      data.data = data;
      return c.sessions.create({ data });
    },
    'a path that leaves the base URL': (c) => c.get('/../../admin'),
    'a path with a fragment': (c) => c.get('/tasks/a#b'),
  };
  for (const [what, run] of Object.entries(refused)) {
    it(`${what} is refused`, async () => {
      const server = await phosphoServer(() => ({ body: TASK }));
      expect((await failure(run(clientFor(server.url)))).name).toBe('PhosphoArgumentError');
      expect(server.seen).toHaveLength(0);
    });
  }

  it('a flag other than success or failure is refused, saying what came and what is accepted', async () => {
    const server = await phosphoServer(() => ({ body: TASK }));
    const client = clientFor(server.url);
    const flag = 'meh' as 'success';
    const calls = [
      client.flag('t1', flag),
      client.tasks.create({ input: '', output: '', flag }),
      client.tasks.updateFlat([{ task_id: 't1', task_eval: flag }]),
      client.tasks.list({ filters: { flag } }),
    ];
    for (const call of calls) {
      const error = await failure(call);
      expect(error.name).toBe('PhosphoArgumentError');
      expect(error.message).toContain('"success" or "failure"');
      expect(error.message).toContain('"meh"');
    }
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (value) => {
        fc.pre(value !== 'success' && value !== 'failure');
        expect((await failure(client.flag('t1', value as 'success'))).name).toBe(
          'PhosphoArgumentError',
        );
      }),
    );
    expect(server.seen).toHaveLength(0);
  });

  it('any other id arrives as it was given', async () => {
    const server = await phosphoServer(({ url }) => ({
      body: { ...TASK, id: decodeURIComponent(url.slice('/v2/tasks/'.length)) },
    }));
    const client = clientFor(server.url);
    const ids = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((id) => id.trim() !== '' && id !== '.' && id !== '..');
    await fc.assert(
      fc.asyncProperty(ids, async (id) => {
        expect((await client.tasks.get(id)).id).toBe(id);
      }),
      { numRuns: 200 },
    );
  });

  it('any text arrives as it was given', async () => {
    const server = await phosphoServer(({ body }) => ({
      body: { ...TASK, ...(body as object) },
    }));
    const client = clientFor(server.url);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.jsonValue(), async (input, value) => {
        const task = await client.tasks.create({ input, output: '', metadata: { value } });
        expect(task.content.input).toBe(input);
        expect(JSON.stringify(task.content.metadata)).toBe(JSON.stringify({ value }));
      }),
    );
  });
});

describe('logged events', () => {
  it('come back in the order in which they were sent, failures among them', async () => {
    const server = await phosphoServer(() => ({
      body: { logged_events: [EVENT, { error_in_log: 'bad' }] },
    }));
    const events = [EVENT, { ...EVENT, task_id: 't2' }];
    expect(await clientFor(server.url).log(events)).toEqual([EVENT, { error_in_log: 'bad' }]);
  });

  it('are an error where there are more or fewer than were sent', async () => {
    const server = await phosphoServer(() => ({ body: { logged_events: [EVENT] } }));
    const error = await failure(clientFor(server.url).log([EVENT, EVENT]));
    expect(error.name).toBe('PhosphoAnswerError');
    expect(error.message).toContain('1 items for 2 events');
  });

  it('are none for none, without a call', async () => {
    const server = await phosphoServer(() => ({ body: {} }));
    expect(await clientFor(server.url).log([])).toEqual([]);
    expect(server.seen).toHaveLength(0);
  });
});
