import { below } from '../runner/figures.mjs';
import { seed } from '../seed.mjs';
import { apiCalls } from './queries/api.mjs';
import { pageCalls } from './queries/pages.mjs';
import { openCollector, STORES } from './stores.mjs';

/** Of tasks that are stored, in rising order. */
const SIZES = (process.env.BENCH_TASKS ?? '10000,100000,1000000').split(',').map(Number);
const API_KEY = 'a-key-for-the-bench-alone';
const TOKEN = 'a-token-for-the-bench';
/** A query is asked so often, or until its time is over. */
const REQUESTS = 100;
const TIME_MS = 4_000;
const LEAST_REQUESTS = 20;

const title = (size) => (size >= 1e6 ? `${size / 1e6} M` : `${size / 1e3} k`);

/** One suite a store: a row a query, and a round a number of tasks. */
export const queries = STORES.map((store) => ({
  name: `queries-${store.toLowerCase()}`,
  measures: `what the API and the dashboard's pages wait for over HTTP, ms, with ${SIZES.map(title).join(', ')} tasks in ${store}; ${REQUESTS} requests each, or ${TIME_MS / 1000} s`,
  contenders: [...Object.keys(apiCalls({})), ...Object.keys(pageCalls({}))],
  rounds: SIZES.length,
  isWhole: true,
  isWide: true,
  figures: Object.fromEntries(
    SIZES.flatMap((size) => [
      [`p50 ${size}`, { title: `${title(size)}: p50`, digits: 1 }],
      [`p99 ${size}`, { title: 'p99', digits: 1, budget: below(200) }],
    ]),
  ),
  async open() {
    const collector = await openCollector(store, { apiKey: API_KEY, dashboardToken: TOKEN });
    const { address } = collector;
    const notes = [];
    const calls = {
      ...apiCalls({ ...address, apiKey: API_KEY }),
      ...pageCalls({ ...address, cookie: await login(address.url) }),
    };
    const measured = new Map();
    let stored = 0;
    return {
      async run(name) {
        const round = measured.get(name) ?? 0;
        measured.set(name, round + 1);
        const size = SIZES[round];
        if (stored < size) {
          notes.push(await grow(address, { tasks: size - stored, stored, size }));
          stored = size;
        }
        const times = await timesOf(calls[name]);
        return { [`p50 ${size}`]: at(times, 0.5), [`p99 ${size}`]: at(times, 0.99) };
      },
      close: collector.close,
      notes,
    };
  },
  compare: (sample) => sample,
}));

async function grow(address, { tasks, stored, size }) {
  const started = performance.now();
  await seed({ ...address, apiKey: API_KEY }, { tasks, prefix: `s${stored}_` });
  const rate = (tasks * 1000) / (performance.now() - started);
  return `Up to ${title(size)} tasks stored at ${Math.round(rate)} a second, 1000 a batch, over one connection.`;
}

async function timesOf(call) {
  const times = [];
  const end = performance.now() + TIME_MS;
  await timed(call);
  while (times.length < REQUESTS && (times.length < LEAST_REQUESTS || performance.now() < end)) {
    times.push(await timed(call));
  }
  return times.sort((a, b) => a - b);
}

async function timed({ url, ...init }) {
  const started = performance.now();
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  return performance.now() - started;
}

function at(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function login(url) {
  const response = await fetch(`${url}/dashboard/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: TOKEN }),
  });
  if (response.status !== 204) throw new Error(`login: ${response.status}`);
  return String(response.headers.get('set-cookie')).split(';')[0];
}
