import * as z from 'zod';
import type { LogEvent, LoggedEvent } from '../../types.ts';
import { loggedEvents } from '../answers/tasks.ts';
import { taskOfEvent } from '../inputs/log-event.ts';
import { refTo, request, writtenAs } from '../openapi/registry.ts';
import type { NewTask } from '../store/store.ts';
import { type KeyedCall, keyed, type Route } from './route.ts';

// Each event is checked on its own, for depth too, so that a bad one costs only itself.
const batch = request(
  'LogBatch',
  z.object({
    batched_log_events: z
      .array(writtenAs(z.unknown(), refTo('LogEvent')))
      .describe('In a batch that names an id twice the first wins'),
  }),
);

/** `POST /log/{project_id}`: stores a batch of events, each answered in its place. */
export const logRoutes: readonly Route[] = [
  keyed({
    method: 'POST',
    path: '/log/:project_id',
    scope: 'write',
    tag: 'Log',
    summary: 'Store a batch of events',
    description:
      'An event becomes a task. One that is not valid is answered by an error in its place, and the others are ' +
      'stored. When this is answered, what is stored is on disk.',
    body: batch,
    checksDepth: true,
    answer: loggedEvents,
    example: {
      batched_log_events: [
        {
          task_id: 'task_1',
          session_id: 'session_1',
          input: 'Hi',
          output: 'Hello!',
          client_created_at: 1_790_000_000,
          model: 'gpt-4o-mini',
        },
      ],
    },
    countEvents: (body) => (body as z.infer<typeof batch>).batched_log_events.length,
    handle: logBatch,
  }),
];

async function logBatch(
  call: KeyedCall<undefined, z.infer<typeof batch>>,
): Promise<{ logged_events: LoggedEvent[] }> {
  const projectId = call.key.projectId;
  const { batched_log_events: events } = call.body;
  const read = events.map((event) => taskOfEvent(event, projectId));
  const valid = read.filter((task): task is NewTask => !('error' in task));
  const tasks = new Map<string, NewTask>();
  for (const task of valid) if (!tasks.has(task.id)) tasks.set(task.id, task);
  const stored = await call.store.tasks.add(projectId, [...tasks.values()]);
  call.waiters.stored(projectId, stored);
  call.meter.events({
    stored: stored.size,
    duplicate: valid.length - stored.size,
    invalid: read.length - valid.length,
  });
  return {
    logged_events: read.map((task, index) =>
      'error' in task
        ? { error_in_log: task.error }
        : echo(events[index] as LogEvent, task, projectId),
    ),
  };
}

/** The event as it came, with what the server has filled in. */
function echo(event: LogEvent, task: NewTask, projectId: string): LoggedEvent {
  return {
    ...event,
    input: task.input,
    client_created_at: event.client_created_at ?? task.createdAt,
    environment: task.environment,
    project_id: projectId,
    task_id: task.id,
    created_at: task.createdAt,
  };
}
