/** Logs COUNT events of 8 KB at once while nobody listens; at the first line of input, flushes and tells. */
import { once } from 'node:events';
import { type EventLedger, Phospho } from '../../../src/index.ts';
import { isBalanced } from '../../../src/testing.ts';

const count = Number(process.env.COUNT);
const spoolDir = process.env.SPOOL;
let told = 0;
let unbalanced = 0;
const phospho = new Phospho({
  logLevel: 'silent',
  ...(spoolDir ? { spool: { dir: spoolDir } } : {}),
  onDrop: (info) => {
    told += info.count;
    if (!isBalanced(phospho.stats())) unbalanced += 1;
  },
});

globalThis.gc?.();
const before = process.memoryUsage.rss();
for (let n = 0; n < count; n++) {
  phospho.log({ input: `${n} ${'x'.repeat(4_000)}`, output: 'y'.repeat(4_000), taskId: `t${n}` });
}
// What is in a request could still get through.
const isUnderWay = ({ pending, inFlight }: EventLedger): boolean => pending + inFlight > 0;
while (isUnderWay(phospho.stats().events)) await new Promise((resolve) => setTimeout(resolve, 10));
const grown = process.memoryUsage.rss() - before;
const down = phospho.stats();

process.stdin.resume();
process.stderr.write('ready\n');
await once(process.stdin, 'data');
process.stdin.pause();
await phospho.flush({ timeoutMs: 120_000 });
const ledger = await phospho.shutdown();
process.stdout.write(JSON.stringify({ grown, down, ledger, told, unbalanced }));
