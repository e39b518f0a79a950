import * as z from 'zod';
import type { TaskContent } from '../../types.ts';
import { assertProject } from '../http/authenticate.ts';
import { HttpError, notFound } from '../http/http-error.ts';
import { jsonObject, rawValue } from '../inputs/json.ts';
import { additional, taskOfEvent } from '../inputs/log-event.ts';
import { readBody, readFlag } from '../inputs/read.ts';
import { type KeyedCall, keyed, param, type Route } from './route.ts';

/** `POST /tasks`, `GET /tasks/{id}` and `POST /tasks/{id}`. */
export const taskRoutes: readonly Route[] = [
  keyed('POST', '/tasks', createTask),
  keyed('GET', '/tasks/:task_id', (call) => getTask(call, param(call, 'task_id'))),
  keyed('POST', '/tasks/:task_id', updateTask),
];

const creation = z.object({
  project_id: z.string(),
  additional_input: rawValue.nullish(),
  additional_output: rawValue.nullish(),
  data: jsonObject.nullish(),
});

/** A known `task_id` is answered with the task as it is stored, like a log event that is sent again. */
async function createTask(call: KeyedCall): Promise<TaskContent> {
  const { key, store, waiters } = call;
  const { project_id, ...own } = readBody(creation, call.body);
  assertProject(key, project_id);
  const task = taskOfEvent(withoutKeys(call.body, Object.keys(own)), key.projectId);
  if ('error' in task) {
    throw new HttpError(422, [{ loc: ['body'], msg: task.error, type: 'value_error' }]);
  }
  const stored = await store.tasks.add(key.projectId, [
    {
      ...task,
      additionalInput: additional('raw_input', own.additional_input) ?? task.additionalInput,
      additionalOutput: additional('raw_output', own.additional_output) ?? task.additionalOutput,
      data: own.data ?? null,
    },
  ]);
  waiters.stored(key.projectId, stored);
  return getTask(call, task.id);
}

/** What is left is read like a log event, so that unknown keys end in the metadata. */
function withoutKeys(body: unknown, keys: readonly string[]): unknown {
  return Object.fromEntries(Object.entries(body as object).filter(([key]) => !keys.includes(key)));
}

async function getTask({ store, key }: KeyedCall, taskId: string): Promise<TaskContent> {
  const task = await store.tasks.find(key.projectId, taskId);
  if (task === undefined) throw notFound('Task', taskId);
  return task;
}

const update = z.object({
  metadata: jsonObject.nullish(),
  data: jsonObject.nullish(),
  notes: z.string().nullish(),
  flag: z.string().nullish(),
  flag_source: z.string().nullish(),
});

/** What is null or absent stays; `metadata` and `data` are replaced whole. */
async function updateTask(call: KeyedCall): Promise<TaskContent> {
  const taskId = param(call, 'task_id');
  const { metadata, data, notes, flag, flag_source } = readBody(update, call.body);
  const verdict = typeof flag === 'string' && {
    value: readFlag(flag),
    source: flag_source ?? 'owner',
    notes: notes ?? null,
  };
  const task = await call.store.tasks.change(call.key.projectId, taskId, {
    metadata: metadata ?? undefined,
    data: data ?? undefined,
    notes: notes ?? undefined,
    verdict: verdict || undefined,
  });
  if (task === undefined) throw notFound('Task', taskId);
  return task;
}
