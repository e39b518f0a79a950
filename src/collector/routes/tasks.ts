import * as z from 'zod';
import type { TaskContent } from '../../types.ts';
import { task } from '../answers/tasks.ts';
import { assertProject } from '../http/authenticate.ts';
import { HttpError, notFound } from '../http/http-error.ts';
import { jsonObject, rawValue } from '../inputs/json.ts';
import { additional, taskOfEvent } from '../inputs/log-event.ts';
import { readFlag } from '../inputs/read.ts';
import { jsonSchemaOf, refTo, request, writtenAs } from '../openapi/registry.ts';
import { type KeyedCall, keyed, param, type Route } from './route.ts';

const ownFields = z.object({
  project_id: z.string(),
  additional_input: rawValue.nullish().describe('What raw_input is in an event'),
  additional_output: rawValue.nullish().describe('What raw_output is in an event'),
  data: jsonObject.nullish(),
});

const creation = request(
  'TaskCreation',
  writtenAs(ownFields.clone(), { allOf: [jsonSchemaOf(ownFields), refTo('LogEvent')] }),
);

const update = request(
  'TaskUpdate',
  z
    .object({
      metadata: jsonObject.nullish(),
      data: jsonObject.nullish(),
      notes: z.string().nullish(),
      flag: writtenAs(z.string(), { enum: ['success', 'failure'] }).nullish(),
      flag_source: z.string().nullish().describe('Who gave the flag. Default: owner'),
    })
    .describe('What is null or absent stays; metadata and data are replaced whole'),
);

const ofOne = { path: '/tasks/:task_id', tag: 'Tasks', answer: task, errors: [404] } as const;

/** `POST /tasks`, `GET /tasks/{id}` and `POST /tasks/{id}`. */
export const taskRoutes: readonly Route[] = [
  keyed({
    method: 'POST',
    path: '/tasks',
    scope: 'write',
    tag: 'Tasks',
    summary: 'Store a task',
    description:
      'A known task_id is answered with the task as it is stored, and one that was deleted within 48 h with 404.',
    errors: [404],
    body: creation,
    answer: task,
    example: { project_id: 'demo', session_id: 'session_1', input: 'Hi', output: 'Hello!' },
    countEvents: () => 1,
    handle: createTask,
  }),
  keyed({
    ...ofOne,
    method: 'GET',
    scope: 'read',
    summary: 'Read a task',
    handle: (call) => getTask(call, param(call, 'task_id')),
  }),
  keyed({
    ...ofOne,
    method: 'POST',
    scope: 'write',
    summary: 'Change a task',
    body: update,
    example: { notes: 'Check the price', flag: 'failure', flag_source: 'reviewer' },
    handle: updateTask,
  }),
];

async function createTask(
  call: KeyedCall<undefined, z.infer<typeof ownFields>>,
): Promise<TaskContent> {
  const { key, store, waiters, meter } = call;
  const { project_id, ...own } = call.body;
  assertProject(key, project_id);
  const event = taskOfEvent(withoutKeys(call.wholeBody, Object.keys(own)), key.projectId);
  if ('error' in event) {
    meter.events({ stored: 0, duplicate: 0, invalid: 1 });
    throw new HttpError(422, [{ loc: ['body'], msg: event.error, type: 'value_error' }]);
  }
  const stored = await store.tasks.add(key.projectId, [
    {
      ...event,
      additionalInput: additional('raw_input', own.additional_input) ?? event.additionalInput,
      additionalOutput: additional('raw_output', own.additional_output) ?? event.additionalOutput,
      data: own.data ?? null,
    },
  ]);
  waiters.stored(key.projectId, stored);
  meter.events({ stored: stored.size, duplicate: 1 - stored.size, invalid: 0 });
  return getTask(call, event.id);
}

/** What is left is read like a log event, so that unknown keys end in the metadata. */
function withoutKeys(body: unknown, keys: readonly string[]): unknown {
  return Object.fromEntries(Object.entries(body as object).filter(([key]) => !keys.includes(key)));
}

async function getTask(
  { store, key }: Pick<KeyedCall, 'store' | 'key'>,
  taskId: string,
): Promise<TaskContent> {
  const found = await store.tasks.find(key.projectId, taskId);
  if (found === undefined) throw notFound('Task', taskId);
  return found;
}

async function updateTask(
  call: KeyedCall<undefined, z.infer<typeof update>>,
): Promise<TaskContent> {
  const taskId = param(call, 'task_id');
  const { metadata, data, notes, flag, flag_source } = call.body;
  const verdict = typeof flag === 'string' && {
    value: readFlag(flag),
    source: flag_source ?? 'owner',
    notes: notes ?? null,
  };
  const found = await call.store.tasks.change(call.key.projectId, taskId, {
    metadata: metadata ?? undefined,
    data: data ?? undefined,
    notes: notes ?? undefined,
    verdict: verdict || undefined,
  });
  if (found === undefined) throw notFound('Task', taskId);
  return found;
}
