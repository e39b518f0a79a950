import { below } from '../runner/figures.mjs';
import { seed } from '../seed.mjs';
import { openCollector } from './collector.mjs';

const TASKS = Number(process.env.BENCH_TASKS ?? 100_000);
const STORE = process.env.BENCH_DATABASE ? 'PostgreSQL' : 'SQLite';
const TOKEN = 'a-token-for-the-bench';

const to = Math.ceil(Date.now() / 3_600_000) * 3600;

function overview(columns, seconds) {
  const starts = Array.from({ length: columns }, (_, index) => to - (columns - index) * seconds);
  return `overview?starts=${starts}&to=${to}`;
}

/** What the pages ask for, by name. */
const PAGES = {
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

export const dashboard = {
  name: 'dashboard',
  measures: `what the dashboard's pages wait for, over HTTP, with ${TASKS} tasks (BENCH_TASKS) in ${STORE}`,
  contenders: Object.keys(PAGES),
  rounds: 9,
  figures: { wait: { title: 'ms', digits: 1, budget: below(200) } },
  async open() {
    const collector = await openCollector({ dashboardToken: TOKEN });
    const { address } = collector;
    const started = performance.now();
    await seed(address, { tasks: TASKS });
    const rate = (TASKS * 1000) / (performance.now() - started);
    const cookie = await login(address.url);
    const base = `${address.url}/dashboard/api/projects/${address.projectId}/`;
    return {
      run: (page) => timed(base + PAGES[page], cookie),
      close: collector.close,
      notes: [`Stored before at ${Math.round(rate)} tasks a second.`],
    };
  },
  compare: (sample) => sample,
};

async function login(url) {
  const response = await fetch(`${url}/dashboard/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: TOKEN }),
  });
  if (response.status !== 204) throw new Error(`login: ${response.status}`);
  return String(response.headers.get('set-cookie')).split(';')[0];
}

async function timed(url, cookie) {
  const started = performance.now();
  const response = await fetch(url, { headers: { cookie } });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  return { wait: performance.now() - started };
}
