import type { Selectable } from 'kysely';
import { uuidv7 } from '../../internal/ids.ts';
import type { Eval } from '../../types.ts';
import { receivedNow, unixNow } from './clock.ts';
import type { EvalsTable, TasksTable } from './schema.ts';
import { storableJson } from './storable.ts';
import type { Verdict } from './store.ts';

/** The Eval's row, and what it changes on its task: the last verdict wins. */
export interface EvalEffect {
  row: EvalsTable;
  onTask: Pick<Selectable<TasksTable>, 'flag' | 'last_eval' | 'last_eval_source' | 'human_eval'> & {
    notes?: string;
  };
}

type JudgedTask = Pick<TasksTable, 'project_id' | 'id' | 'session_id' | 'test_id'>;

/** Every verdict that reaches the collector is a person's, or is given on a person's behalf: it is the human_eval too. */
export function evalEffect(task: JudgedTask, verdict: Verdict): EvalEffect {
  const content: Eval = {
    id: `eval_${uuidv7()}`,
    created_at: verdict.createdAt ?? unixNow(),
    project_id: task.project_id,
    session_id: task.session_id,
    task_id: task.id,
    value: verdict.value,
    source: verdict.source,
    test_id: task.test_id,
    notes: verdict.notes,
  };
  const text = storableJson(content);
  return {
    row: {
      project_id: content.project_id,
      id: content.id,
      created_at: content.created_at,
      received_us: receivedNow(),
      session_id: task.session_id,
      task_id: content.task_id,
      value: verdict.value,
      source: content.source,
      test_id: task.test_id,
      notes: verdict.notes,
    },
    onTask: {
      flag: verdict.value,
      last_eval: text,
      last_eval_source: verdict.source,
      human_eval: text,
      ...(verdict.notes === null ? {} : { notes: verdict.notes }),
    },
  };
}
