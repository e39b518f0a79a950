import type { Exporter } from 'phospho-express';
import { expect, it } from 'vitest';
import { expectBalanced, logTasks, phosphoFor } from '../helpers/ledger.ts';

type Batch = Parameters<Exporter['export']>[0];

it('an exporter of the user may read its events long after it has answered', async () => {
  const kept: Batch[number][] = [];
  const exporter: Exporter = {
    export: async (batch) => {
      kept.push(...batch);
      return batch.map(() => ({ ok: true }));
    },
    flag: async () => {},
  };
  const phospho = phosphoFor({ exporter });
  for (const prefix of ['a', 'b', 'c']) {
    logTasks(phospho, 150, prefix);
    await phospho.flush();
  }
  expect(kept).toHaveLength(450);
  for (const { taskId, json, bytes } of kept) {
    expect(JSON.parse(json).task_id).toBe(taskId);
    expect(Buffer.byteLength(json)).toBe(bytes);
  }
});

it('what an exporter does to its events does not reach the ones that are sent again', async () => {
  const seen: string[] = [];
  const exporter: Exporter = {
    export: async (batch) => {
      seen.push(...batch.map(({ json }) => json));
      for (const event of batch) Object.assign(event, { json: '{}', taskId: 'other', bytes: 0 });
      if (seen.length === batch.length) throw new Error('the first time');
      return batch.map(() => ({ ok: true }));
    },
    flag: async () => {},
  };
  const phospho = phosphoFor({ exporter });
  const [taskId] = logTasks(phospho, 1);
  const ledger = await phospho.flush();
  expectBalanced(ledger);
  expect(ledger.events.delivered).toBe(1);
  expect(seen.map((json) => JSON.parse(json).task_id)).toEqual([taskId, taskId]);
});
