import type { ProjectContent, SessionContent, TaskContent } from '../../types.ts';
import { project, sessions } from '../answers/others.ts';
import { tasks } from '../answers/tasks.ts';
import { notFound } from '../http/http-error.ts';
import {
  type ListingBody,
  type ListingQuery,
  listingBody,
  listingOf,
  listingQuery,
} from '../inputs/listing.ts';
import { type KeyedCall, keyed, type Route } from './route.ts';

/** What the early client sends: a limit in the query. */
const byGet = { method: 'GET', tag: 'Projects', query: listingQuery } as const;
/** And the later one: filters, and a limit in the body. */
const byPost = { method: 'POST', tag: 'Projects', query: listingQuery, body: listingBody } as const;
const ofTasks = {
  path: '/projects/:project_id/tasks',
  scope: 'read',
  summary: 'List tasks',
  answer: tasks,
  example: { filters: { flag: 'failure', created_at_start: 1_790_000_000 }, limit: 100 },
} as const;
const ofSessions = {
  path: '/projects/:project_id/sessions',
  scope: 'read',
  summary: 'List sessions',
  description:
    'created_at_start, created_at_end and sessions_ids are about the session itself; the other filters keep a ' +
    'session if one of its tasks meets all of them.',
  answer: sessions,
} as const;

/** `/projects/{project_id}` and its listings, newest first. */
export const projectRoutes: readonly Route[] = [
  keyed({
    method: 'GET',
    path: '/projects/:project_id',
    scope: 'read',
    tag: 'Projects',
    summary: 'Read a project',
    answer: project,
    errors: [404],
    handle: getProject,
  }),
  keyed({ ...byGet, ...ofSessions, handle: listSessions }),
  keyed({ ...byPost, ...ofSessions, handle: listSessions }),
  keyed({ ...byGet, ...ofTasks, handle: listTasks }),
  keyed({ ...byPost, ...ofTasks, handle: listTasks }),
];

async function getProject({ key, store }: KeyedCall): Promise<ProjectContent> {
  const found = await store.projects.find(key.projectId);
  if (found === undefined) throw notFound('Project', key.projectId);
  return found;
}

type ListingCall = KeyedCall<ListingQuery, ListingBody | undefined>;

async function listSessions(call: ListingCall): Promise<{ sessions: SessionContent[] }> {
  return { sessions: await call.store.sessions.list(call.key.projectId, listingOf(call)) };
}

async function listTasks(call: ListingCall): Promise<{ tasks: TaskContent[] }> {
  return { tasks: await call.store.tasks.list(call.key.projectId, listingOf(call)) };
}
