import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Phospho } from 'phospho-express';
import { createCollector } from 'phospho-express/collector';
import { createAppWithCollector } from './server.ts';

const isCheck = process.argv.includes('--check');
const collector = await createCollector({ database: 'sqlite::memory:', embedded: true });
const server = createServer();
server.listen(isCheck ? 0 : Number(process.env.PORT ?? 3000), '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const { baseUrl, dashboardUrl } = collector.addressesAt(`${url}/collector`);
const { projectId, apiKey = '' } = collector;
const phospho = new Phospho({ baseUrl, projectId, apiKey });
server.on('request', createAppWithCollector(phospho, collector));

if (isCheck) {
  try {
    console.log(JSON.stringify(await check()));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await close();
  }
} else {
  console.log(`\n  App         ${url}\n  Dashboard   ${dashboardUrl}\n\n  Ctrl-C ends it.\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
}

/** In this order: what is left to deliver still needs the server, and that the database. */
async function close(): Promise<void> {
  await phospho.shutdown({ timeoutMs: 5000 });
  server.close();
  server.closeIdleConnections();
  await collector.close();
}

/** Asks, gives a thumb, and reads from the dashboard what its page would show. */
async function check(): Promise<object> {
  const asked = await post(`${url}/chat`, { messages: [{ role: 'user', content: 'Where?' }] });
  const taskId = asked.headers.get('x-phospho-task-id');
  assert.ok(taskId, 'the exchange is recorded');
  const thumb = { task_id: taskId, token: asked.headers.get('x-phospho-feedback-token') };
  const flagged = await post(`${url}/phospho/flag`, { ...thumb, flag: 'success' });
  assert.equal(flagged.status, 202, await flagged.text());
  await phospho.flush();

  const link = new URL(dashboardUrl);
  const page = await fetch(link);
  const script = /<script type="module" src="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  assert.equal((await fetch(new URL(script, link))).status, 200, 'the page finds its script');
  const token = link.hash.slice('#token='.length);
  const login = await post(`${link.origin}${link.pathname}/api/session`, { token });
  const cookie = String(login.headers.get('set-cookie')).split(';')[0] ?? '';
  const listed = await fetch(`${link.origin}${link.pathname}/api/projects/${projectId}/tasks`, {
    headers: { cookie },
  });
  const { tasks } = (await listed.json()) as { tasks: { id: string; flag: string }[] };
  // One: what the app has sent to the collector in it has not been recorded too.
  assert.deepEqual(
    tasks.map(({ id, flag }) => [id, flag]),
    [[taskId, 'success']],
  );
  return { exchanges: tasks.length, flags_stored: 1 };
}

function post(to: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(to, { method: 'POST', headers, body: JSON.stringify(body) });
}
