// CPU of a wrapped async call, 1 KB in and 1.5 KB out, until it is delivered, beside the naive baseline:
// push plain objects, one JSON.stringify per 100, one POST over undici.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Phospho } from 'phospho-express';
import { Agent, request } from 'undici';
import { COMPLETION, MESSAGES, show, startSink, summary } from './measure.mjs';

const CALLS = 3_000;
const ROUNDS = 8;

if (process.argv[2] === 'sink') {
  const { url } = await startSink();
  process.send({ url });
  process.once('disconnect', () => process.exit());
} else {
  const child = fork(fileURLToPath(import.meta.url), ['sink']);
  const [{ url }] = await once(child, 'message');
  const plain = async (_request) => COMPLETION;
  const suites = { none: () => run(plain), naive: naive(plain, url), ours: ours(plain, url) };
  const figures = { none: [], naive: [], ours: [] };
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, suite] of Object.entries(suites)) {
      const before = process.cpuUsage();
      const callers = await suite();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) figures[name].push({ cpu: (user + system) / CALLS, callers });
    }
  }
  const base = summary(figures.none.map(({ cpu }) => cpu)).median;
  const baseCaller = summary(figures.none.map(({ callers }) => callers)).median;
  for (const name of ['naive', 'ours']) {
    const cpu = summary(figures[name].map((figure) => figure.cpu - base));
    const callers = summary(figures[name].map((figure) => figure.callers - baseCaller));
    console.log(
      `fn ${name}: CPU µs a call until delivered ${show(cpu, 1)}, of it before the call returns ${show(callers, 1)}`,
    );
  }
  child.disconnect();
  process.exit();
}

/** Makes the calls in slices, as a server would; returns wall µs per call until the calls have returned. */
async function run(call) {
  const started = performance.now();
  let slept = 0;
  for (let i = 0; i < CALLS; i++) {
    await call(MESSAGES);
    if (i % 100 === 99) {
      const before = performance.now();
      await new Promise((resolve) => setImmediate(resolve));
      slept += performance.now() - before;
    }
  }
  return ((performance.now() - started - slept) * 1000) / CALLS;
}

function ours(call, baseUrl) {
  const phospho = new Phospho({ apiKey: 'bench', projectId: 'bench', baseUrl });
  const wrapped = phospho.wrap(call);
  return async () => {
    const callers = await run(wrapped);
    const { events } = await phospho.flush();
    if (events.captured !== events.delivered) throw new Error(JSON.stringify(events));
    return callers;
  };
}

function naive(call, baseUrl) {
  const dispatcher = new Agent({ connections: 4 });
  let queue = [];
  let sends = [];
  const send = () => {
    const body = JSON.stringify({ batched_log_events: queue });
    queue = [];
    const options = { method: 'POST', body, dispatcher };
    sends.push(request(`${baseUrl}/log/bench`, options).then((answer) => answer.body.dump()));
  };
  const wrapped = async (input) => {
    const output = await call(input);
    queue.push({ task_id: Math.random().toString(36), input, output, at: Date.now() });
    if (queue.length === 100) send();
    return output;
  };
  return async () => {
    const callers = await run(wrapped);
    if (queue.length > 0) send();
    await Promise.all(sends);
    sends = [];
    return callers;
  };
}
