import * as z from 'zod';
import type { FlattenedTask, TaskContent } from '../../types.ts';
import { HttpError } from '../http/http-error.ts';
import { jsonObject, unixSeconds } from '../inputs/json.ts';
import { limit } from '../inputs/listing.ts';
import { readBody } from '../inputs/read.ts';
import type { TaskChange } from '../store/store.ts';
import { type KeyedCall, keyed, type Route } from './route.ts';

/** Tasks as rows of a table, to be read, changed and sent back. */
export const flatTaskRoutes: readonly Route[] = [
  keyed('POST', '/projects/:project_id/tasks/flat', listFlat),
  keyed('POST', '/projects/:project_id/tasks/flat-update', updateFlat),
];

const listing = z.object({
  limit,
  with_events: z.boolean().nullish(),
  with_sessions: z.boolean().nullish(),
  // Accepted for phospho's clients. This collector detects no events, so none are ever removed.
  with_removed_events: z.boolean().nullish(),
});

async function listFlat({
  body,
  key,
  store,
}: KeyedCall): Promise<{ flattened_tasks: FlattenedTask[] }> {
  const wanted = readBody(listing, body);
  const tasks = await store.tasks.list(key.projectId, {
    filters: {},
    limit: wanted.limit ?? 1000,
  });
  const withSessions = wanted.with_sessions ?? true;
  const sessions = tasks.map((task) => task.session_id).filter((id) => typeof id === 'string');
  const lengths = withSessions
    ? await store.sessions.lengths(key.projectId, [...new Set(sessions)])
    : new Map<string, number>();
  return {
    flattened_tasks: tasks.map((task) => ({
      ...flat(task),
      ...(withSessions && {
        session_id: task.session_id ?? null,
        session_length: lengths.get(task.session_id ?? '') ?? null,
      }),
      ...((wanted.with_events ?? true) && { event_name: null, event_created_at: null }),
    })),
  };
}

function flat(task: TaskContent): FlattenedTask {
  return {
    task_id: task.id,
    task_input: task.input,
    task_output: task.output ?? null,
    task_metadata: task.metadata ?? null,
    task_eval: task.flag ?? null,
    task_eval_source: task.last_eval?.source ?? null,
    task_eval_at: task.last_eval?.created_at ?? null,
    task_created_at: task.created_at,
  };
}

const MAX_ROWS = 10_000;

const update = z.object({
  flattened_tasks: z
    .array(
      z.object({
        task_id: z.string(),
        task_metadata: jsonObject.nullish(),
        task_eval: z.enum(['success', 'failure']).nullish(),
        task_eval_source: z.string().nullish(),
        task_eval_at: unixSeconds.nullish(),
      }),
    )
    .max(MAX_ROWS),
});

/** A task may have several rows, one an event: the last one counts. */
async function updateFlat({ body, key, store }: KeyedCall): Promise<null> {
  const rows = readBody(update, body).flattened_tasks;
  if (rows.length === 0) return null;
  const changes = new Map(rows.map((row) => [row.task_id, changeOf(row)]));
  const unknown = await store.tasks.changeMany(key.projectId, changes);
  if (unknown.length > 0) {
    throw new HttpError(
      404,
      `Nothing was changed: unknown task ids: ${unknown.slice(0, 10).join(', ')}` +
        (unknown.length > 10 ? ` and ${unknown.length - 10} more` : ''),
    );
  }
  return null;
}

function changeOf(row: z.infer<typeof update>['flattened_tasks'][number]): TaskChange {
  return {
    metadata: row.task_metadata ?? undefined,
    verdict: row.task_eval
      ? {
          value: row.task_eval,
          source: row.task_eval_source ?? 'owner',
          notes: null,
          createdAt: row.task_eval_at ?? undefined,
        }
      : undefined,
  };
}
