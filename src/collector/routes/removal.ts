import { theKey } from '../admin/actors.ts';
import { removed } from '../answers/others.ts';
import { notFound } from '../http/http-error.ts';
import type { Removed, Subject } from '../store/store.ts';
import { type KeyedCall, keyed, param, type Route } from './route.ts';

const shared = {
  method: 'DELETE',
  scope: 'admin',
  answer: removed,
} as const;

const FORGETS =
  'All that was made of its tasks goes with them. An event that is sent again is not stored for 48 h. Where the ' +
  'connection breaks, ask again: it goes on.';

/** `DELETE` of a task, a session, and all of a user. */
export const removalRoutes: readonly Route[] = [
  keyed({
    ...shared,
    path: '/tasks/:task_id',
    tag: 'Tasks',
    summary: 'Delete a task',
    description: `Its session stays. ${FORGETS}`,
    errors: [404],
    handle: (call) => remove(call, { kind: 'task', id: param(call, 'task_id') }),
  }),
  keyed({
    ...shared,
    path: '/sessions/:session_id',
    tag: 'Sessions',
    summary: 'Delete a session and its tasks',
    description: FORGETS,
    errors: [404],
    handle: (call) => remove(call, { kind: 'session', id: param(call, 'session_id') }),
  }),
  keyed({
    ...shared,
    path: '/projects/:project_id/users/:user_id',
    tag: 'Projects',
    summary: 'Delete all of a user',
    description:
      'The tasks with this user_id, and the sessions that have no other. Of a user who is not known there is ' +
      `nothing to delete, which is no error. ${FORGETS}`,
    handle: (call) => remove(call, { kind: 'user', id: param(call, 'user_id') }),
  }),
];

interface RemovedAnswer {
  deleted_tasks: number;
  deleted_sessions: number;
}

async function remove(
  { key, store, upkeep, meter, gone }: KeyedCall,
  subject: Exclude<Subject, { kind: 'project' }>,
): Promise<RemovedAnswer> {
  let last: Removed = { tasks: 0, sessions: 0 };
  const onStep = (soFar: Removed) => {
    meter.removed('request', soFar.tasks - last.tasks);
    last = soFar;
  };
  let found: Removed | undefined;
  try {
    found = await store.removal.remove(key.projectId, subject, { onStep, signal: gone });
  } catch (error) {
    // Nobody hears of it.
    if (!gone.aborted) throw error;
  } finally {
    upkeep.removed();
    // One that was broken off has deleted something too.
    if (found !== undefined || last.tasks + last.sessions > 0) {
      await store.audit.note(key.projectId, {
        actor: theKey(key),
        act: `${subject.kind}.delete`,
        subject: subject.id,
        details: { ...last, ...(found === undefined && { broken_off: true }) },
      });
    }
  }
  if (gone.aborted) return answerOf(last);
  if (found === undefined) throw notFound(NOUNS[subject.kind], subject.id);
  return answerOf(found);
}

function answerOf({ tasks, sessions }: Removed): RemovedAnswer {
  return { deleted_tasks: tasks, deleted_sessions: sessions };
}

const NOUNS = { task: 'Task', session: 'Session', user: 'User' } as const;
