import * as z from 'zod';
import type { FlattenedTask, TaskContent } from '../../types.ts';
import { flattenedTasks, nothing } from '../answers/tasks.ts';
import { HttpError } from '../http/http-error.ts';
import { jsonObject, unixSeconds } from '../inputs/json.ts';
import { limit, limitText } from '../inputs/listing.ts';
import { request, writtenAs } from '../openapi/registry.ts';
import type { TaskChange } from '../store/store.ts';
import { type KeyedCall, keyed, type Route } from './route.ts';

const wishes = {
  with_events: z.boolean(),
  with_sessions: z.boolean(),
  with_removed_events: z
    .boolean()
    .describe('This collector detects no events, so none are ever removed'),
};

interface Wishes {
  limit?: number | undefined;
  with_events?: boolean | null | undefined;
  with_sessions?: boolean | null | undefined;
}

const listing: z.ZodType<Wishes> = request(
  'FlatListing',
  z.object({
    limit,
    with_events: wishes.with_events.nullish(),
    with_sessions: wishes.with_sessions.nullish(),
    with_removed_events: wishes.with_removed_events.nullish(),
  }),
);

/** Python writes True. */
const spelled = (wish: z.ZodBoolean): z.ZodType<boolean> =>
  writtenAs(
    z
      .string()
      .regex(/^(?:true|false|1|0)$/i, 'expected true or false')
      .transform((text) => /^(?:true|1)$/i.test(text)),
    { type: 'boolean', ...(wish.description && { description: wish.description }) },
  );

const query: z.ZodType<Wishes> = z.object({
  limit: limitText.optional(),
  with_events: spelled(wishes.with_events).optional(),
  with_sessions: spelled(wishes.with_sessions).optional(),
  with_removed_events: spelled(wishes.with_removed_events).optional(),
});

const MAX_ROWS = 10_000;

const row = z.object({
  task_id: z.string(),
  task_metadata: jsonObject.nullish(),
  task_eval: z.enum(['success', 'failure']).nullish(),
  task_eval_source: z.string().nullish(),
  task_eval_at: unixSeconds.nullish(),
});

const update = request(
  'FlatUpdate',
  z.object({
    flattened_tasks: z
      .array(row)
      .max(MAX_ROWS)
      .describe('A task may have several rows, one an event: the last one counts'),
  }),
);

/** Tasks as rows of a table, to be read, changed and sent back. */
export const flatTaskRoutes: readonly Route[] = [
  keyed({
    method: 'GET',
    path: '/projects/:project_id/tasks/flat',
    scope: 'read',
    tag: 'Projects',
    summary: 'Tasks as rows of a table, as the first Python client asks for them',
    query,
    answer: flattenedTasks,
    handle: (call) => listFlat(call, call.query),
  }),
  keyed({
    method: 'POST',
    path: '/projects/:project_id/tasks/flat',
    scope: 'read',
    tag: 'Projects',
    summary: 'Tasks as rows of a table',
    body: listing,
    answer: flattenedTasks,
    example: { limit: 100, with_events: false, with_sessions: true },
    handle: (call) => listFlat(call, call.body),
  }),
  keyed({
    method: 'POST',
    path: '/projects/:project_id/tasks/flat-update',
    scope: 'write',
    tag: 'Projects',
    summary: 'Change many tasks',
    description: 'All or none. A verdict that a task has already is not given again.',
    body: update,
    answer: nothing,
    errors: [404],
    example: { flattened_tasks: [{ task_id: 'task_1', task_eval: 'success' }] },
    handle: updateFlat,
  }),
];

async function listFlat(
  { key, store }: Pick<KeyedCall, 'key' | 'store'>,
  wanted: Wishes,
): Promise<{ flattened_tasks: FlattenedTask[] }> {
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

async function updateFlat({
  body,
  key,
  store,
}: KeyedCall<undefined, z.infer<typeof update>>): Promise<null> {
  const rows = body.flattened_tasks;
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

function changeOf(given: z.infer<typeof row>): TaskChange {
  return {
    metadata: given.task_metadata ?? undefined,
    verdict: given.task_eval
      ? {
          value: given.task_eval,
          source: given.task_eval_source ?? 'owner',
          notes: null,
          createdAt: given.task_eval_at ?? undefined,
        }
      : undefined,
  };
}
