/** An app under load until a line comes on its standard input: answers what it has logged, and its ledger. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Flag, type Ledger, Phospho } from '../../../src/index.ts';

export interface AppAnswer {
  /** The verdict on each task that was logged, null without one. */
  logged: Record<string, Flag | null>;
  ledger: Ledger;
}

const { APP = '', RATE, FLUSH_MS } = process.env;
const phospho = new Phospho({ logger: { debug() {}, info() {}, warn() {}, error() {} } });
const logged: AppAnswer['logged'] = {};
let isOver = false;
once(process.stdin, 'data').then(() => {
  isOver = true;
  process.stdin.destroy();
});
process.stderr.write('ready\n');
for (let n = 0; !isOver; n++) {
  const taskId = `${APP}-${n}`;
  phospho.log({ input: `question ${n}`, output: 'answer', taskId, sessionId: `session${n % 7}` });
  logged[taskId] = null;
  if (n % 10 === 0) {
    const flag = n % 20 === 0 ? 'success' : 'failure';
    phospho.flag(taskId, flag);
    logged[taskId] = flag;
  }
  await delay(1000 / Number(RATE));
}
const ledger = await phospho.flush({ timeoutMs: Number(FLUSH_MS) });
process.stdout.write(JSON.stringify({ logged, ledger } satisfies AppAnswer));
