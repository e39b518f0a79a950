import { strict as assert } from 'node:assert';
import type { Phospho } from 'phospho-express';
import { runExample } from '../run-example.ts';
import { seedConversation } from './conversation.ts';
import { createServerRenderedApp } from './server.ts';

await runExample({
  createApp: (phospho) => createServerRenderedApp(phospho, seedConversation(phospho)),
  check,
});

/** Gives each answer of the page a thumb, with what the page says of it; asks, and does so again. */
async function check(url: string, phospho: Phospho): Promise<object> {
  const before = await elementsOf(url);
  assert.equal(before.length, 2, 'both answers of earlier days have thumbs');
  const asked = await fetch(`${url}/ask`, {
    method: 'POST',
    body: new URLSearchParams({ question: 'And "Sydney" <now>?' }),
    redirect: 'manual',
  });
  assert.equal(asked.status, 303);
  const after = await elementsOf(url);
  assert.equal(after.length, 3, 'the new answer has thumbs too');

  for (const { taskId, token } of after) {
    const flagged = await fetch(`${url}/phospho/flag`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ task_id: taskId, token, flag: 'success' }),
    });
    assert.equal(flagged.status, 202, await flagged.text());
  }
  await phospho.flush();
  const tasks = await phospho.client.tasks.list({ limit: 10 });
  assert.deepEqual(tasks.map(({ id }) => id).sort(), after.map(({ taskId }) => taskId).sort());
  assert.ok(tasks.every(({ content }) => content.flag === 'success'));
  assert.ok(tasks.some(({ content }) => content.input === 'And "Sydney" <now>?'));
  return { exchanges: tasks.length, flags_stored: after.length };
}

async function elementsOf(url: string): Promise<{ taskId: string; token: string }[]> {
  const response = await fetch(url);
  assert.match(response.headers.get('content-security-policy') ?? '', /script-src 'self'/);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const html = await response.text();
  assert.equal(html.match(/<script/g)?.length, 1, 'there is no script but the element itself');
  return [...html.matchAll(/<phospho-feedback task-id="([^"]+)" token="([^"]+)">/g)].map(
    ([, taskId = '', token = '']) => ({ taskId, token }),
  );
}
