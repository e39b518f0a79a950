import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { expect, test } from 'vitest';
import type { TaskPage } from '../../src/collector/dashboard/wire.ts';
import { startDashboard } from '../helpers/dashboard.ts';

const T0 = 1_790_000_000;
const TASKS = '/projects/demo/tasks';

async function withTasks(...events: object[]) {
  const dashboard = await startDashboard();
  await dashboard.login().expect(204);
  await dashboard.log(
    ...events.map((event, index) => ({ task_id: `t${index}`, created_at: T0 + index, ...event })),
  );
  const ids = async (query: string): Promise<string[]> => {
    const { body } = await dashboard.get(`${TASKS}${query}`).expect(200);
    return (body as TaskPage).tasks.map(({ id }) => id);
  };
  return { ...dashboard, ids };
}

test('a list is walked page by page in both directions without gap or repetition', async () => {
  // Equal times, so that only the order of arrival tells them apart.
  const events = Array.from({ length: 23 }, (_, index) => ({
    input: `question ${index}`,
    created_at: T0 + Math.floor(index / 5),
  }));
  const { get } = await withTasks(...events);
  const newestFirst = events.map((_, index) => `t${index}`).reverse();
  const walk = async (direction: 'before' | 'after', start: string): Promise<TaskPage[]> => {
    const pages: TaskPage[] = [];
    for (let cursor: string | null = start; cursor !== null; ) {
      const query: string = cursor && `&${direction}=${cursor}`;
      const { body } = await get(`${TASKS}?limit=7${query}`).expect(200);
      pages.push(body);
      cursor = direction === 'before' ? body.older : body.newer;
    }
    return pages;
  };
  const down = await walk('before', '');
  expect(down.map(({ tasks }) => tasks.length)).toEqual([7, 7, 7, 2]);
  expect(down.flatMap(({ tasks }) => tasks.map(({ id }) => id))).toEqual(newestFirst);
  expect(down[0]?.newer).toBeNull();
  const up = await walk('after', down.at(-1)?.newer ?? '');
  const upwards = up.reverse().flatMap(({ tasks }) => tasks.map(({ id }) => id));
  expect(upwards).toEqual(newestFirst.slice(0, 21));
});

test('a line has what a list shows', async () => {
  const { get } = await withTasks({
    input: 'x'.repeat(1000),
    output: 'short',
    session_id: 's',
    user_id: 'u',
    version_id: 'v',
    model: 'gpt',
    prompt_tokens: 3,
    completion_tokens: 5,
    metadata: { route: '/chat', latency_ms: 12.4, outcome: 'complete' },
  });
  const { body } = await get(TASKS).expect(200);
  expect(body.tasks).toEqual([
    {
      id: 't0',
      created_at: T0,
      session_id: 's',
      user_id: 'u',
      version_id: 'v',
      model: 'gpt',
      route: '/chat',
      outcome: 'complete',
      latency_ms: 12,
      prompt_tokens: 3,
      completion_tokens: 5,
      input: 'x'.repeat(240),
      output: 'short',
      flag: null,
      has_notes: false,
    },
  ]);
});

test('every filter narrows the list, and all must hold', async () => {
  const { ids } = await withTasks(
    { input: 'a', flag: 'success', session_id: 's', metadata: { route: '/x' } },
    { input: 'b', flag: 'failure', user_id: 'u', version_id: 'v', model: 'm' },
    { input: 'c' },
  );
  expect(await ids('?flag=success')).toEqual(['t0']);
  expect(await ids('?flag=failure')).toEqual(['t1']);
  expect(await ids('?flag=none')).toEqual(['t2']);
  expect(await ids('?flag=any')).toEqual(['t1', 't0']);
  expect(await ids('?session=s')).toEqual(['t0']);
  expect(await ids('?route=/x')).toEqual(['t0']);
  expect(await ids('?user=u&version=v&model=m')).toEqual(['t1']);
  expect(await ids('?user=u&version=w')).toEqual([]);
  expect(await ids(`?from=${T0 + 1}&to=${T0 + 1}`)).toEqual(['t1']);
  expect(await ids('?flag=&q=&user=')).toHaveLength(3);
});

test('search finds words, their beginnings, notes and ids, in any script', async () => {
  const { ids, post } = await withTasks(
    { input: 'How long should green tea steep?', output: 'Two minutes at 80 °C' },
    { input: 'Combien de temps infuser le thé ?', output: 'Deux minutes' },
    { input: '緑茶は何分ですか', output: '二分です' },
    { input: 'she said "stop" AND left NOT (col:x*)' },
    { input: 'नमस्ते दुनिया', output: 'שָׁלוֹם, Ελλάδα' },
  );
  await post(`${TASKS}/t3/flag`, { flag: 'failure', notes: 'rather impolite' }).expect(200);
  const found = (words: string) => ids(`?q=${encodeURIComponent(words)}`);
  expect(await found('green')).toEqual(['t0']);
  expect(await found('GREEN ste')).toEqual(['t0']);
  expect(await found('green nowhere')).toEqual([]);
  expect(await found('the')).toEqual(['t1']);
  expect(await found('緑茶')).toEqual(['t2']);
  expect(await found('茶は')).toEqual(['t2']);
  expect(await found('नमस्ते')).toEqual(['t4']);
  expect(await found('שָׁלוֹם')).toEqual(['t4']);
  expect(await found('ΕΛΛΆΔΑ')).toEqual(['t4']);
  expect(await found('impolite')).toEqual(['t3']);
  expect(await found('t2')).toEqual(['t2']);
  expect(await found('" AND (col:x* NOT')).toEqual(['t3']);
  for (const nothing of ['"', '*', ' - ', "'; drop table tasks; --", '(((', '\u0000', '👍'])
    expect(await found(nothing)).toEqual([]);
});

test('a verdict given here is seen by the API, with every verdict before it', async () => {
  const { post, get } = await withTasks({ input: 'x', flag: 'success' });
  const { body } = await post(`${TASKS}/t0/flag`, { flag: 'failure', notes: 'no' }).expect(200);
  expect(body.task).toMatchObject({ flag: 'failure', notes: 'no' });
  const detail = await get(`${TASKS}/t0`).expect(200);
  expect(detail.body).toEqual(body);
  expect(body.evals).toMatchObject([
    { value: 'failure', source: 'owner', notes: 'no' },
    { value: 'success', source: 'owner', notes: null },
  ]);
});

test('sessions come with their counts, and as transcripts in parts', async () => {
  const { get } = await withTasks(
    { input: 'one', output: '1', session_id: 's', flag: 'success' },
    { input: 'two', output: '2', session_id: 's' },
    { input: 'three', output: null, session_id: 's', flag: 'failure' },
  );
  const { body } = await get('/projects/demo/sessions').expect(200);
  expect(body.sessions).toMatchObject([
    { id: 's', session_length: 3, last_message_ts: T0 + 2, success: 1, failure: 1 },
  ]);
  const first = await get('/projects/demo/sessions/s?limit=2').expect(200);
  expect(first.body.exchanges.map((line: { input: string }) => line.input)).toEqual(['one', 'two']);
  const second = await get(`/projects/demo/sessions/s?limit=2&after=${first.body.later}`);
  expect(second.body.exchanges).toMatchObject([{ input: 'three', output: null, flag: 'failure' }]);
  expect(second.body.later).toBeNull();
});

test('the overview adds up by time, model and route', async () => {
  const { get } = await withTasks(
    { input: 'x', model: 'm', flag: 'success', metadata: { latency_ms: 100, outcome: 'error' } },
    { input: 'x', model: 'm', prompt_tokens: 7, metadata: { latency_ms: 1000, route: '/r' } },
    { input: 'x', created_at: T0 + 86_400 },
  );
  const hour = T0 - (T0 % 3600);
  const query = `starts=${hour},${hour + 86_400}&to=${hour + 2 * 86_400}`;
  const { body } = await get(`/projects/demo/overview?${query}`).expect(200);
  expect(body.totals).toMatchObject({ tasks: 3, success: 1, failure: 0, errors: 1 });
  expect(body.series.map(({ tasks }: { tasks: number }) => tasks)).toEqual([2, 1]);
  expect(body.models).toMatchObject([
    { name: 'm', tasks: 2, prompt_tokens: 7 },
    { name: null, tasks: 1 },
  ]);
  expect(body.routes).toMatchObject([
    { name: null, tasks: 2 },
    { name: '/r', tasks: 1 },
  ]);
  expect(body.totals.latency_p95_ms).toBeGreaterThan(950);
  await get('/projects/demo/choices').expect(200, { routes: ['/r'], models: ['m'], versions: [] });
});

test('an open page is told of tasks and verdicts, until the collector closes', async () => {
  const { collector, log, login } = await withTasks();
  const { headers } = await login().expect(204);
  const cookie = String(headers['set-cookie']).split(';')[0];
  const sent = request(`${collector.url}/dashboard/api/projects/demo/live`, {
    headers: { cookie },
  }).end();
  const [response] = await once(sent, 'response');
  expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
  const told = async () => {
    let text = '';
    for await (const [chunk] of onData(response)) {
      text += chunk;
      if (text.includes('event: change')) return text;
    }
    return text;
  };
  const news = told();
  await log({ task_id: 'live', input: 'x' });
  expect(await news).toContain('event: change\ndata: {}\n\n');
  const ended = once(response, 'end');
  response.resume();
  await collector.close();
  await ended;
});

async function* onData(stream: NodeJS.ReadableStream): AsyncGenerator<unknown[]> {
  for (;;) yield await once(stream, 'data');
}

test.each([
  ['an unknown project', '/projects/nope/tasks', 404],
  ['an unknown task', `${TASKS}/nope`, 404],
  ['an unknown session', '/projects/demo/sessions/nope', 404],
  ['an unknown route', '/projects/demo/nothing', 404],
  ['a limit out of range', `${TASKS}?limit=201`, 422],
  ['a limit that is no number', `${TASKS}?limit=many`, 422],
  ['a foreign cursor', `${TASKS}?before=yesterday`, 422],
  ['a flag that is none', `${TASKS}?flag=maybe`, 422],
  ['no range', '/projects/demo/overview', 422],
])('%s is told as such', async (_name, path, status) => {
  const { get } = await withTasks();
  const { body } = await get(path).expect(status);
  expect(body.detail).toBeTruthy();
});

test('the dashboard works where the collector is mounted in another server', async () => {
  const { collector } = await startDashboard();
  const { default: express } = await import('express');
  const server = createServer(express().use('/phospho-ui', collector.app)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const page = await fetch(`http://127.0.0.1:${port}/phospho-ui/dashboard`);
  expect(await page.text()).toContain('data-base="/phospho-ui/dashboard"');
  server.close();
  server.closeAllConnections();
});

test('the files of the pages are the same with and without compression, and never asked for twice', async () => {
  const { collector } = await startDashboard();
  const page = await (await fetch(`${collector.url}/dashboard`)).text();
  const paths = [...page.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map((match) => match[1]);
  expect(paths).toHaveLength(2);
  for (const path of paths) {
    const zipped = await fetch(`${collector.url}${path}`);
    const plain = await fetch(`${collector.url}${path}`, {
      headers: { 'accept-encoding': 'identity' },
    });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(zipped.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const text = await plain.text();
    expect(await zipped.text()).toBe(text);
    expect(text.length).toBeGreaterThan(1000);
  }
  expect((await fetch(`${collector.url}/dashboard/assets/x/constructor`)).status).toBe(404);
});
