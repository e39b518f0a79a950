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
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? [bare, ours] : [ours, bare];
    const rates = new Map();
    for (const app of order) rates.set(app, await load(app.port));
    ratios.push(rates.get(ours) / rates.get(bare));
  }
  for (const { child } of [bare, ours]) child.disconnect();
  sink.close();
  console.log(
    `${name}: requests/s against the bare app ${show(summary(ratios))}, ${ROUNDS} rounds`,
  );
}
