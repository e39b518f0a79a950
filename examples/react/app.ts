import { strict as assert } from 'node:assert';
import { runExample } from '../run-example.ts';
import { createReactApp } from './server.ts';

await runExample({ createApp: createReactApp, check });

/** Asks as the page does, and gives a thumb with what the answer's headers say. */
async function check(url: string, phospho: Parameters<typeof createReactApp>[0]): Promise<object> {
  const page = await fetch(url);
  assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self'/);
  assert.match(await page.text(), /src="\/client\.js"/);
  const client = await fetch(`${url}/client.js`);
  assert.match(await client.text(), /attachShadow/, 'the element is in the bundle');

  const question = 'Where is Canberra?';
  const answer = await post(`${url}/api/chat`, {
    session_id: 'check',
    messages: [{ role: 'user', content: question }],
  });
  const taskId = answer.headers.get('x-phospho-task-id') ?? '';
  const text = await answer.text();
  const flagged = await post(`${url}/phospho/flag`, {
    task_id: taskId,
    token: answer.headers.get('x-phospho-feedback-token'),
    flag: 'failure',
    notes: 'too long',
  });
  assert.equal(flagged.status, 202);
  await phospho.flush();
  const { content } = await phospho.client.tasks.get(taskId);
  assert.equal(content.input, question);
  assert.equal(content.output, text);
  assert.equal(content.flag, 'failure');
  return { exchanges: 1, flags_stored: 1 };
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
