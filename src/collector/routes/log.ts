import * as z from 'zod';
import type { LoggedEvent } from '../../types.ts';
import { isObject } from '../inputs/json.ts';
import { taskOfEvent } from '../inputs/log-event.ts';
import { readBody } from '../inputs/read.ts';
import type { NewTask } from '../store/store.ts';
import { type KeyedCall, keyed, type Route } from './route.ts';

// Each event is checked on its own, for depth too, so that a bad one costs only itself.
const batch = z.object({ batched_log_events: z.array(z.unknown()) });

/** `POST /log/{project_id}`: stores a batch of events, each answered in its place. */
export const logRoutes: readonly Route[] = [keyed('POST', '/log/:project_id', logBatch)];

async function logBatch(call: KeyedCall): Promise<{ logged_events: LoggedEvent[] }> {
  const projectId = call.key.projectId;
  const { batched_log_events: events } = readShallow(call.body);
  const read = events.map((event) => taskOfEvent(event, projectId));
  // In a batch that names an id twice the first wins, as it would if they came one after the other.
  const tasks = new Map<string, NewTask>();
  for (const task of read) {
    if (!('error' in task) && !tasks.has(task.id)) tasks.set(task.id, task);
  }
  const stored = await call.store.tasks.add(projectId, [...tasks.values()]);
  call.waiters.stored(projectId, stored);
  return {
    logged_events: read.map((task, index) =>
      'error' in task ? { error_in_log: task.error } : echo(events[index], task, projectId),
    ),
  };
}

function readShallow(body: unknown): z.infer<typeof batch> {
  const events: unknown = isObject(body) ? body.batched_log_events : undefined;
  return Array.isArray(events) ? { batched_log_events: events } : readBody(batch, body);
}

/** The event as it came, with what the server has filled in. */
function echo(event: unknown, task: NewTask, projectId: string): LoggedEvent {
  return {
    client_created_at: task.createdAt,
    environment: task.environment,
    ...(event as { input: string }),
    project_id: projectId,
    task_id: task.id,
    created_at: task.createdAt,
  };
}
