import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DashboardStore } from '../../src/collector/store/dashboard/dashboard-store.ts';
import { newPostgres } from '../helpers/databases.ts';
import { collectorOver, DASHBOARD_TOKEN, type Entered } from './helpers/collectors.ts';

const T0 = 1_790_000_000;
const HOUR = T0 - (T0 % 3600);

interface Shown {
  id: string;
  flag: string | null;
  session_id: string | null;
  metadata: Record<string, unknown>;
}

/** The overview's totals of the one hour that the tests write to, as the dashboard shows them. */
async function totalsOf({ collector }: Entered) {
  await collector.listen();
  const login = await fetch(`${collector.url}/dashboard/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: DASHBOARD_TOKEN }),
  });
  const cookie = String(login.headers.get('set-cookie')).split(';')[0] ?? '';
  const path = `/dashboard/api/projects/demo/overview?starts=${HOUR}&to=${HOUR + 3600}`;
  const answer = await fetch(`${collector.url}${path}`, { headers: { cookie } });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as Awaited<ReturnType<DashboardStore['overview']>>).totals;
}

test('two collectors that write the same tasks, sessions and hours at once count each of them once', async () => {
  const database = await newPostgres();
  const collectors = await Promise.all([collectorOver(database), collectorOver(database)]);
  const ids = Array.from({ length: 60 }, (_, n) => `t${n}`);
  const event = (id: string, n: number) => ({
    task_id: id,
    session_id: `s${n % 3}`,
    input: `question ${id}`,
    output: `answer ${id}`,
    created_at: T0 + n,
    model: `m${n % 4}`,
    ...(n % 3 === 0 && { flag: 'success' }),
    metadata: { latency_ms: 10 * n, route: `/r${n % 2}` },
  });
  // Each id four times, in batches whose orders cross.
  const orders = [ids, ids.toReversed(), ids.filter((_, n) => n % 2 === 0), ids.toReversed()];
  const answers = await Promise.all(
    orders.flatMap((order, index) => {
      const { log } = collectors[index % 2] as Entered;
      const batches = [order.slice(0, 20), order.slice(20, 40), order.slice(40)];
      return batches
        .filter(({ length }) => length > 0)
        .map((batch) => log(...batch.map((id) => event(id, Number(id.slice(1))))));
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  // Verdicts that cross, on the same tasks, at both.
  const verdicts = await Promise.all(
    ids.flatMap((id, n) =>
      collectors.map(({ post }, side) =>
        post(`/tasks/${id}/flag`, { flag: (n + side) % 2 === 0 ? 'success' : 'failure' }),
      ),
    ),
  );
  expect(verdicts.map(({ status }) => status)).toEqual(verdicts.map(() => 200));

  const [{ get }] = collectors;
  const { tasks } = (await get('/projects/demo/tasks?limit=1000').expect(200)).body;
  expect(tasks.map(({ id }: Shown) => id).sort()).toEqual([...ids].sort());
  const { sessions } = (await get('/projects/demo/sessions').expect(200)).body;
  for (const session of sessions) expect(session.session_length).toBe(20);
  const flagged = (flag: string) => tasks.filter((task: Shown) => task.flag === flag).length;
  for (const collector of collectors)
    expect(await totalsOf(collector)).toMatchObject({
      ...{ tasks: 60, success: flagged('success'), failure: flagged('failure') },
    });
});

test('changes of many tasks that cross at two collectors all take effect, and the last one shows', async () => {
  const database = await newPostgres();
  const collectors = await Promise.all([collectorOver(database), collectorOver(database)]);
  const [one] = collectors;
  const ids = Array.from({ length: 40 }, (_, n) => `t${n}`);
  await one.log(...ids.map((id) => ({ task_id: id, input: 'x', created_at: T0 }))).expect(200);
  const step = fc.record({
    side: fc.nat({ max: 1 }),
    rows: fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1 }),
    task_eval: fc.constantFrom('success', 'failure'),
    model: fc.constantFrom('a', 'b'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
      const answers = await Promise.all(
        steps.map(({ side, rows, task_eval, model }) =>
          (collectors[side] as Entered).post('/projects/demo/tasks/flat-update', {
            flattened_tasks: rows.map((task_id) => ({
              ...{ task_id, task_eval, task_metadata: { model, prompt_tokens: 1 } },
            })),
          }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const { tasks } = (await one.get('/projects/demo/tasks?limit=1000').expect(200)).body;
      const flagged = (flag: string) => tasks.filter((task: Shown) => task.flag === flag).length;
      expect(await totalsOf(one)).toMatchObject({
        ...{ tasks: 40, success: flagged('success'), failure: flagged('failure') },
        prompt_tokens: tasks.filter(({ metadata }: Shown) => metadata.prompt_tokens === 1).length,
      });
    }),
    { numRuns: 10 },
  );
});

test('a page of tasks that two collectors have stored in one second is walked without gap or repetition', async () => {
  const database = await newPostgres();
  const collectors = await Promise.all([collectorOver(database), collectorOver(database)]);
  const batches = Array.from({ length: 20 }, (_, batch) =>
    Array.from({ length: 10 }, (_, n) => ({
      ...{ task_id: `t${batch}-${n}`, session_id: 's', input: 'x', created_at: T0 },
    })),
  );
  await Promise.all(
    batches.map((batch, n) => (collectors[n % 2] as Entered).log(...batch).expect(200)),
  );
  const [{ get }] = collectors;
  const { tasks } = (await get('/sessions/s/tasks?limit=1000').expect(200)).body;
  // A position for each, and none twice: their order of arrival is one for all collectors.
  const positions = tasks.map(({ task_position }: { task_position: number }) => task_position);
  expect(positions).toEqual(Array.from({ length: 200 }, (_, n) => 200 - n));
});
