import type { ProjectContent, SessionContent, TaskContent } from '../../types.ts';
import { notFound } from '../http/http-error.ts';
import { readListing } from '../inputs/listing.ts';
import { type KeyedCall, keyed, type Route } from './route.ts';

/** `/projects/{project_id}` and its listings, newest first. */
export const projectRoutes: readonly Route[] = [
  keyed('GET', '/projects/:project_id', getProject),
  keyed('GET', '/projects/:project_id/sessions', listSessions),
  keyed('POST', '/projects/:project_id/sessions', listSessions),
  keyed('GET', '/projects/:project_id/tasks', listTasks),
  keyed('POST', '/projects/:project_id/tasks', listTasks),
];

async function getProject({ key, store }: KeyedCall): Promise<ProjectContent> {
  const project = await store.projects.find(key.projectId);
  if (project === undefined) throw notFound('Project', key.projectId);
  return project;
}

async function listSessions(call: KeyedCall): Promise<{ sessions: SessionContent[] }> {
  return { sessions: await call.store.sessions.list(call.key.projectId, readListing(call)) };
}

async function listTasks(call: KeyedCall): Promise<{ tasks: TaskContent[] }> {
  return { tasks: await call.store.tasks.list(call.key.projectId, readListing(call)) };
}
