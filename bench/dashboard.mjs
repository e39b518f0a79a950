// What the dashboard's pages wait for, over HTTP, with many tasks in SQLite. The budget is 200 ms each.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCollector } from 'phospho-express/collector';
import { show, summary } from './measure.mjs';
import { seed } from './seed.mjs';

const TASKS = Number(process.env.BENCH_TASKS ?? 100_000);
const BUDGET_MS = 200;
const REPEATS = 9;
const TOKEN = 'a-token-for-the-bench';

const folder = await mkdtemp(join(tmpdir(), 'phospho-bench-'));
const collector = await createCollector({
  database: `sqlite:${join(folder, 'phospho.db')}`,
  port: 0,
  dashboardToken: TOKEN,
});
await collector.listen();
try {
  const started = performance.now();
  await seed(collector, { tasks: TASKS });
  const rate = (TASKS * 1000) / (performance.now() - started);
  console.log(`dashboard: ${TASKS} tasks, stored at ${Math.round(rate)} a second`);
  await measure();
} finally {
  await collector.close();
  await rm(folder, { recursive: true });
}

async function measure() {
  const cookie = await login();
  const to = Math.ceil(Date.now() / 3_600_000) * 3600;
  const overview = (columns, seconds) => {
    const starts = Array.from({ length: columns }, (_, index) => to - (columns - index) * seconds);
    return `overview?starts=${starts}&to=${to}`;
  };
  const pages = {
    'overview, 24 hours': overview(24, 3600),
    'overview, 30 days': overview(30, 86_400),
    'overview, 90 days': overview(90, 86_400),
    'tasks, newest': 'tasks',
    'tasks, judged bad': 'tasks?flag=failure',
    'tasks, one user': 'tasks?user=user_7',
    'tasks, a route that is not there': 'tasks?route=/nowhere',
    'search, a common word': 'tasks?q=to',
    'search, a beginning': 'tasks?q=sha',
    'search, two words': 'tasks?q=mi%20kato',
    'search, a rare word': 'tasks?q=alreshasu',
    'search, no match': 'tasks?q=zzzqq',
    'search, no match, with filters': 'tasks?q=zzzqq&route=/api/chat&flag=none',
    sessions: 'sessions',
    choices: 'choices',
  };
  for (const [name, path] of Object.entries(pages)) {
    const times = [];
    for (let i = 0; i < REPEATS; i++) times.push(await timed(path, cookie));
    const figures = summary(times);
    const verdict = figures.max < BUDGET_MS ? '' : `  over ${BUDGET_MS} ms`;
    console.log(`  ${name.padEnd(34)} ${show(figures, 1).padStart(22)} ms${verdict}`);
    if (figures.median >= BUDGET_MS) process.exitCode = 1;
  }
}

async function login() {
  const response = await fetch(`${collector.url}/dashboard/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: TOKEN }),
  });
  if (response.status !== 204) throw new Error(`login: ${response.status}`);
  return String(response.headers.get('set-cookie')).split(';')[0];
}

async function timed(path, cookie) {
  const started = performance.now();
  const url = `${collector.url}/dashboard/api/projects/${collector.projectId}/${path}`;
  const response = await fetch(url, { headers: { cookie } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  return performance.now() - started;
}
