/** Runs in a worker thread: logs and flags tasks of its own, then tells its ledger. */
import { parentPort, workerData } from 'node:worker_threads';
import { Phospho } from '../../../src/index.ts';

const phospho = new Phospho({ logLevel: 'silent', ...workerData.options });
for (let n = 0; n < workerData.count; n++) {
  const { taskId } = phospho.log({ input: 'x', taskId: `${workerData.name}-${n}` });
  if (n % 10 === 0) phospho.flag(taskId, 'success');
}
parentPort?.postMessage(workerData.leaves ? phospho.stats() : await phospho.shutdown());
