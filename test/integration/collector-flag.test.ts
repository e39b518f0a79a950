import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { agent } from 'supertest';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startCollector } from './collector-helpers.ts';

describe.each([
  ['flag', 'flag'],
  ['human-eval', 'human_eval'],
])('POST /tasks/{id}/%s', (path, field) => {
  test('creates an Eval and shows it on the task; the last one wins', async () => {
    const { get, log, post } = await startCollector();
    await log({ task_id: 't', session_id: 's', input: 'x', test_id: 'te' });
    const first = await post(`/tasks/t/${path}`, { [field]: 'failure', notes: 'bad' }).expect(200);
    expect(first.body).toMatchObject({ id: 't', flag: 'failure', notes: 'bad' });
    expect(first.body.last_eval).toMatchObject({
      ...{ value: 'failure', source: 'owner', notes: 'bad', task_id: 't', session_id: 's' },
      ...{ test_id: 'te', project_id: 'demo', id: expect.stringMatching(/^eval_/) },
    });
    expect(first.body.human_eval).toEqual(first.body.last_eval);
    const second = await post(`/tasks/t/${path}/`, {
      ...{ [field]: 'success', source: 'user', project_id: 'demo', notes: null },
    }).expect(200);
    expect(second.body).toMatchObject({ flag: 'success', notes: 'bad' });
    expect(second.body.last_eval).toMatchObject({ value: 'success', source: 'user' });
    expect((await get('/tasks/t')).body).toEqual(second.body);
  });

  test('answers 400 to another value, and 422 to none', async () => {
    const { log, post } = await startCollector();
    await log({ task_id: 't', input: 'x' });
    const { body } = await post(`/tasks/t/${path}`, { [field]: 'great' }).expect(400);
    expect(body.detail).toContain('success');
    await post(`/tasks/t/${path}`, {}).expect(422);
    await post(`/tasks/t/${path}`, { [field]: true }).expect(422);
  });

  test('waits for a task that is still under way', async () => {
    const { log, post } = await startCollector();
    const flagged = post(`/tasks/late/${path}`, { [field]: 'success' }).then((answer) => answer);
    await log({ task_id: 'other', input: 'x' });
    await log({ task_id: 'late', input: 'x' });
    expect((await flagged).body).toMatchObject({ id: 'late', flag: 'success' });
  });

  test('answers 404 when the task has not come in time', async () => {
    const { post } = await startCollector({ flagWaitMs: 20 });
    const { body } = await post(`/tasks/never/${path}`, { [field]: 'success' }).expect(404);
    expect(body).toEqual({ detail: 'Task never not found' });
  });
});

test('a flag that waits when the collector closes is answered 503', async () => {
  const { collector } = await startCollector();
  await collector.listen();
  const arrived = new Promise((resolve) => {
    subscribe('http.server.request.start', resolve);
    onTestFinished(() => {
      unsubscribe('http.server.request.start', resolve);
    });
  });
  const answer = fetch(`${collector.baseUrl}/tasks/never/flag`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${collector.apiKey}`,
      'content-type': 'application/json',
    },
    body: '{"flag":"success"}',
  });
  await arrived;
  await collector.close();
  expect((await answer).status).toBe(503);
});

describe('a flag without a key', () => {
  test('is refused, even if it names its task’s project', async () => {
    const { collector, log } = await startCollector();
    await log({ task_id: 't', input: 'x' });
    const body = { flag: 'success', project_id: 'demo' };
    await agent(collector.app).post('/v2/tasks/t/flag').send(body).expect(401);
  });

  test('is taken with publicFlags if it names the task’s project', async () => {
    const { collector, log } = await startCollector({ publicFlags: true, flagWaitMs: 1 });
    await log({ task_id: 't', input: 'x' });
    const flag = (body: object) => agent(collector.app).post('/v2/tasks/t/flag').send(body);
    const answer = await flag({ flag: 'success', project_id: 'demo' }).expect(200);
    expect(answer.body.flag).toBe('success');
    await flag({ flag: 'failure' }).expect(401);
    await flag({ flag: 'failure', project_id: 'other' }).expect(404);
    await flag({ flag: 'failure', project_id: 'demo', notes: 'x'.repeat(20_000) }).expect(413);
    await flag({ flag: 'failure', project_id: 'demo' })
      .set('authorization', 'Bearer wrong')
      .expect(401);
  });
});
