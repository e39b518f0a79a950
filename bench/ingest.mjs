// How many events a collector stores in a second: batches of 100, committed (synchronous=FULL) before they
// are acknowledged, searchable and counted in the statistics. Sent by a process of its own, texts made before.

import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCollector } from 'phospho-express/collector';
import { show, summary } from './measure.mjs';
import { batchesOf } from './seed.mjs';

const BATCH = 100;
const ROUNDS = 5;
const EVENTS = 10_000;
const CONNECTIONS = 4;
const BUDGET = 5_000;

if (process.send) await sendAll();
else await measure();

async function measure() {
  const folder = await mkdtemp(join(tmpdir(), 'phospho-bench-'));
  const collector = await createCollector({
    database: `sqlite:${join(folder, 'phospho.db')}`,
    port: 0,
    apiKey: 'a-key-for-the-bench-alone',
  });
  await collector.listen();
  const url = `${collector.baseUrl}/log/${collector.projectId}`;
  const sender = fork(fileURLToPath(import.meta.url), [url]);
  const next = () => new Promise((resolve) => sender.once('message', resolve));
  try {
    const { bytes } = await next();
    const rates = [];
    const costs = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage();
      sender.send('go');
      rates.push((await next()).rate);
      const { user, system } = process.cpuUsage(before);
      costs.push((user + system) / EVENTS);
    }
    const { median } = summary(rates);
    const kept = median >= BUDGET ? 'kept' : 'MISSED';
    console.log(`ingest: batches of ${BATCH}, ${Math.round(bytes)} bytes an event`);
    console.log(`  events/s ${show(summary(rates), 0)} (budget ${BUDGET}: ${kept})`);
    console.log(`  CPU µs an event ${show(summary(costs), 0)}`);
  } finally {
    sender.kill();
    await collector.close();
    await rm(folder, { recursive: true });
  }
}

async function sendAll() {
  const url = process.argv[2];
  const rounds = Array.from({ length: ROUNDS }, (_, round) =>
    [...batchesOf({ tasks: EVENTS, days: 0.01, batch: BATCH, prefix: `r${round}_` })].map(
      (events) => JSON.stringify({ batched_log_events: events }),
    ),
  );
  const bytes = rounds.flat().reduce((sum, body) => sum + body.length, 0) / (ROUNDS * EVENTS);
  process.send({ bytes });
  for (const bodies of rounds) {
    await new Promise((resolve) => process.once('message', resolve));
    const started = performance.now();
    await Promise.all(Array.from({ length: CONNECTIONS }, () => drain(url, bodies)));
    process.send({ rate: (EVENTS * 1000) / (performance.now() - started) });
  }
}

async function drain(url, bodies) {
  for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer a-key-for-the-bench-alone',
      },
      body,
    });
    const { logged_events: logged } = await response.json();
    if (!response.ok || logged.length !== BATCH || logged.some((event) => event.error_in_log)) {
      throw new Error(`${response.status} ${JSON.stringify(logged?.[0])}`);
    }
  }
}
