// Logs tasks and flags until it is killed, or ends itself as it is told; says each on its standard output.
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const { bundle, dir, baseUrl, name, ending, tasks, sync } = JSON.parse(process.argv[2]);
const { Phospho } = createRequire(import.meta.url)(bundle);

const say = (what, id) => writeSync(1, `${what} ${id}\n`);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const phospho = new Phospho({
  apiKey: 'key',
  projectId: 'p',
  baseUrl,
  logger: silent,
  spool: { dir, sync },
  delivery: { lingerMs: 5, maxBatchEvents: 20, maxQueueBytes: 65_536 },
  onAccepted: (id) => say('accepted', id),
});

let count = 0;

function log() {
  const taskId = `${name}-${count++}`;
  phospho.log({ taskId, input: 'question', output: 'x'.repeat(Math.random() * 4_000) });
  say('logged', taskId);
  if (Math.random() < 0.1) {
    phospho.flag(taskId, 'success');
    say('flagged', taskId);
  }
}

function end() {
  if (ending === 'exit') process.exit(0);
  if (ending === 'throw') throw new Error('uncaught');
  if (ending === 'reject') void Promise.reject(new Error('unhandled'));
  if (ending === 'exit in shutdown') {
    void phospho.shutdown();
    setTimeout(() => process.exit(0), Math.random() * 5);
  }
}

function work() {
  for (let n = Math.random() * 20; n > 0; n--) log();
  if (count >= tasks && ending !== 'signal') end();
  else setTimeout(work, Math.random() * 10);
}

work();
