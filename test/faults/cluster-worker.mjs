// One worker of a cluster: logs ten tasks, says so, and ends when it is told to.
import { Phospho } from '../../src/index.ts';

const { dir, baseUrl } = JSON.parse(process.argv[2]);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let accepted = 0;

const phospho = new Phospho({
  apiKey: 'key',
  projectId: 'p',
  baseUrl,
  logger: silent,
  spool: { dir },
  onAccepted: () => {
    accepted += 1;
    if (accepted === 10) process.send('logged');
  },
});

for (let n = 0; n < 10; n++) {
  phospho.log({ taskId: `${process.pid}-${n}`, input: 'question', output: 'answer' });
}

process.on('message', async () => {
  await phospho.shutdown();
  process.exit(0);
});
