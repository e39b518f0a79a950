import * as z from 'zod';
import type { TaskContent } from '../../types.ts';
import { task } from '../answers/tasks.ts';
import { assertProject, keyMissing } from '../http/authenticate.ts';
import { notFound } from '../http/http-error.ts';
import { readFlag } from '../inputs/read.ts';
import { request, writtenAs } from '../openapi/registry.ts';
import { keyedOrPublic, type PublicCall, param, type Route } from './route.ts';

const common = {
  source: z.string().nullish().describe('Who gave it. Default: owner'),
  notes: z.string().nullish(),
  project_id: z
    .string()
    .nullish()
    .describe('The task’s project; with publicFlags it stands in for a key'),
};

/** Another word is 400, as with phospho. */
const verdict = writtenAs(z.string(), { enum: ['success', 'failure'] });

const shared = {
  method: 'POST',
  scope: 'write',
  tag: 'Tasks',
  answer: task,
  errors: [404],
  description:
    'The last verdict wins. A task that has not arrived is waited for, half a minute by default. phospho lets ' +
    'anybody flag who can name a task and its project; here a key is needed, unless the collector runs with ' +
    'publicFlags.',
} as const;

/** The verdict of a person on a task, in the older and the newer spelling. */
export const flagRoutes: readonly Route[] = [
  keyedOrPublic({
    ...shared,
    path: '/tasks/:task_id/flag',
    summary: 'Give a verdict on a task',
    body: request('FlagBody', z.object({ flag: verdict, ...common })),
    example: { flag: 'failure', source: 'user', notes: 'The price is wrong' },
    handle: (call) => flagTask(call, call.body.flag),
  }),
  keyedOrPublic({
    ...shared,
    path: '/tasks/:task_id/human-eval',
    summary: 'Give a verdict on a task, in the newer spelling',
    body: request('HumanEvalBody', z.object({ human_eval: verdict, ...common })),
    example: { human_eval: 'success' },
    handle: (call) => flagTask(call, call.body.human_eval),
  }),
];

/** Callers without a key may take only a tenth of the places to wait in. */
const KEYLESS_SHARE = 0.1;

async function flagTask(
  call: PublicCall<undefined, z.infer<z.ZodObject<typeof common>>>,
  flag: string,
): Promise<TaskContent> {
  const { key, store, waiters, gone } = call;
  const { source, notes, project_id } = call.body;
  const value = readFlag(flag);
  const projectId = key?.projectId ?? project_id;
  if (projectId === null || projectId === undefined) throw keyMissing();
  if (key !== undefined && typeof project_id === 'string') assertProject(key, project_id);
  const taskId = param(call, 'task_id');
  const verdict = { value, source: source ?? 'owner', notes: notes ?? null };
  const found = await waiters.find(
    projectId,
    taskId,
    () => store.tasks.change(projectId, taskId, { verdict }),
    { gone, share: key === undefined ? KEYLESS_SHARE : 1 },
  );
  if (found === undefined) throw notFound('Task', taskId);
  return found;
}
