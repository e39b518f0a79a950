import * as z from 'zod';
import type { TaskContent } from '../../types.ts';
import { assertProject, keyMissing } from '../http/authenticate.ts';
import { notFound } from '../http/http-error.ts';
import { readBody, readFlag } from '../inputs/read.ts';
import { type PublicCall, param, type Route } from './route.ts';

/**
 * The verdict of a person on a task, in the older and the newer spelling.
 *
 * phospho lets anybody flag who can name a task and its project. Here a key is needed, unless `publicFlags`
 * is set: then, as there, the body's `project_id` must be the task's.
 */
export const flagRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/tasks/:task_id/flag',
    access: 'key-or-public',
    handle: async (call) => {
      const { flag, ...rest } = readBody(flagBody, call.body);
      return flagTask(call, flag, rest);
    },
  },
  {
    method: 'POST',
    path: '/tasks/:task_id/human-eval',
    access: 'key-or-public',
    handle: async (call) => {
      const { human_eval, ...rest } = readBody(humanEvalBody, call.body);
      return flagTask(call, human_eval, rest);
    },
  },
];

const common = {
  source: z.string().nullish(),
  notes: z.string().nullish(),
  project_id: z.string().nullish(),
};
const flagBody = z.object({ flag: z.string(), ...common });
const humanEvalBody = z.object({ human_eval: z.string(), ...common });

/** Callers without a key may take only a tenth of the places to wait in. */
const KEYLESS_SHARE = 0.1;

async function flagTask(
  call: PublicCall,
  flag: string,
  { source, notes, project_id }: z.infer<z.ZodObject<typeof common>>,
): Promise<TaskContent> {
  const { key, store, waiters, gone } = call;
  const value = readFlag(flag);
  const projectId = key?.projectId ?? project_id;
  if (projectId === null || projectId === undefined) throw keyMissing();
  if (key !== undefined && typeof project_id === 'string') assertProject(key, project_id);
  const taskId = param(call, 'task_id');
  const verdict = { value, source: source ?? 'owner', notes: notes ?? null };
  const task = await waiters.find(
    projectId,
    taskId,
    () => store.tasks.change(projectId, taskId, { verdict }),
    { gone, share: key === undefined ? KEYLESS_SHARE : 1 },
  );
  if (task === undefined) throw notFound('Task', taskId);
  return task;
}
