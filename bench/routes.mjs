import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { load, show, startSink, summary } from './measure.mjs';

const ROUNDS = 8;

/** Alternates bare and ours, each in its own process; prints the median of the ratios. */
export async function compareRoutes(name, mode) {
  const sink = await startSink();
  const start = async (kind) => {
    const path = fileURLToPath(new URL('app.mjs', import.meta.url));
    const child = fork(path, [kind, mode, sink.url]);
    const [{ port }] = await once(child, 'message');
    return { child, port };
  };
  const bare = await start('bare');
  const ours = await start('ours');
  for (const { port } of [bare, ours]) await load(port, { ms: 1_000 });
  const ratios = [];
  const added = [];
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? [bare, ours] : [ours, bare];
    const rates = new Map();
    for (const app of order) rates.set(app, await rate(app));
    ratios.push(rates.get(ours).perSecond / rates.get(bare).perSecond);
    added.push(rates.get(ours).cpu - rates.get(bare).cpu);
  }
  for (const { child } of [bare, ours]) child.disconnect();
  sink.close();
  console.log(
    `${name}: requests/s against the bare app ${show(summary(ratios))}, CPU µs added a request ${show(summary(added), 0)}, ${ROUNDS} rounds`,
  );
}

/** Requests a second, and CPU µs of the app's process for each. */
async function rate({ child, port }) {
  const before = await cpuOf(child);
  const { perSecond, requests } = await load(port);
  return { perSecond, cpu: ((await cpuOf(child)) - before) / requests };
}

async function cpuOf(child) {
  child.send('cpu');
  const [{ cpu }] = await once(child, 'message');
  return cpu.user + cpu.system;
}
