// node bench/seed.mjs --database sqlite:./seeded.db [--tasks 100000] [--days 90]: fills a collector's
// database with tasks that look like a chat app's: skewed words, sessions, models, routes, latencies, thumbs.

import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { createCollector } from 'phospho-express/collector';

const MODELS = ['gpt-4o-mini', 'gpt-4o', 'claude-sonnet-4', 'mistral-small'];
const ROUTES = ['/api/chat', '/api/summarise', '/api/search'];
const SYLLABLES = 'ka to mi re su no la di ve po sha ter ing con pre al'.split(' ');
const BATCH = 1000;

/** Stores the tasks through the collector's own API. */
export async function seed(
  collector,
  { tasks = 100_000, days = 90, prefix, onBatch = () => {} } = {},
) {
  for (const batched_log_events of batchesOf({ tasks, days, batch: BATCH, prefix })) {
    await post(collector, batched_log_events);
    onBatch(batched_log_events.length);
  }
}

/** Stores a batch through the collector's own API. */
export async function post({ baseUrl, projectId, apiKey }, batched_log_events) {
  const response = await fetch(`${baseUrl}/log/${projectId}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${apiKey}`,
    },
    body: JSON.stringify({ batched_log_events }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/**
 * Events in the order of their time, the last of them now.
 *
 * @param outputWords - of an answer at least; there may be 120 more
 */
export function* batchesOf({ tasks, days, batch, prefix = 'seeded_', outputWords = 60 }) {
  const next = generator(prefix, outputWords);
  const now = Math.floor(Date.now() / 1000);
  for (let start = 0; start < tasks; start += batch) {
    yield Array.from({ length: Math.min(batch, tasks - start) }, (_, index) => {
      const age = (1 - (start + index) / tasks) * days * 86_400;
      return next(start + index, Math.floor(now - age));
    });
  }
}

/** The same tasks at every run: figures are compared between runs. */
function generator(prefix, outputWords) {
  let state = 12_345;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const pick = (list) => list[Math.floor(random() ** 2 * list.length)];
  const word = () => {
    let rank = Math.floor(random() ** 3 * 20_000) + 7;
    let text = '';
    for (; rank > 0; rank = Math.floor(rank / 16)) text += SYLLABLES[rank % 16];
    return text;
  };
  const words = (count) => Array.from({ length: count }, word).join(' ');
  return (index, created_at) => ({
    task_id: `${prefix}${index}`,
    session_id: `${prefix}session_${Math.floor(index / 4)}`,
    user_id: `user_${Math.floor(random() * 500)}`,
    version_id: `v${Math.floor(random() * 4)}`,
    created_at,
    input: words(8 + Math.floor(random() * 12)),
    output: words(outputWords + Math.floor(random() * 120)),
    model: pick(MODELS),
    prompt_tokens: 50 + Math.floor(random() * 900),
    completion_tokens: 80 + Math.floor(random() * 400),
    ...(random() < 0.15 && { flag: random() < 0.8 ? 'success' : 'failure' }),
    metadata: {
      route: pick(ROUTES),
      method: 'POST',
      status: 200,
      outcome: random() < 0.02 ? 'error' : 'complete',
      latency_ms: Math.round(Math.exp(5 + random() * 3)),
    },
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      database: { type: 'string', default: 'sqlite:./seeded.db' },
      tasks: { type: 'string', default: '100000' },
      days: { type: 'string', default: '90' },
      project: { type: 'string', default: 'demo' },
    },
  });
  const collector = await createCollector({
    database: values.database,
    project: values.project,
    port: 0,
    apiKey: 'a-key-for-the-seeding-alone',
  });
  await collector.listen();
  const tasks = Number(values.tasks);
  const bar = new SingleBar({ format: 'tasks [{bar}] {value}/{total} {eta_formatted}' });
  bar.start(tasks, 0);
  const onBatch = (count) => bar.increment(count);
  await seed(collector, { tasks, days: Number(values.days), onBatch });
  bar.stop();
  await collector.close();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
