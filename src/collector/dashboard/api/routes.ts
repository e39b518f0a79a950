import * as z from 'zod';
import { VERSION } from '../../../internal/version.ts';
import { notFound } from '../../http/http-error.ts';
import { readBody } from '../../inputs/read.ts';
import type {
  Choices,
  Overview,
  SessionInfo,
  SessionPage,
  TaskDetail,
  TaskPage,
  Transcript,
} from '../wire.ts';
import { readOverviewQuery, readPageQuery, readTasksQuery } from './query.ts';
import type { DashboardCall, DashboardRoute } from './route.ts';

/** What the pages read, and the one thing they write. */
export const DASHBOARD_ROUTES: readonly DashboardRoute[] = [
  { method: 'get', path: '/session', handle: getSession },
  ofProject('get', '/tasks', listTasks),
  ofProject('get', '/tasks/:id', getTask),
  ofProject('post', '/tasks/:id/flag', flagTask),
  ofProject('get', '/sessions', listSessions),
  ofProject('get', '/sessions/:id', getTranscript),
  ofProject('get', '/overview', getOverview),
  ofProject('get', '/choices', getChoices),
];

/** 404 for a project that is not there, so that no page is empty for a reason it does not know. */
function ofProject(
  method: 'get' | 'post',
  path: string,
  handle: DashboardRoute['handle'],
): DashboardRoute {
  return {
    method,
    path: `/projects/:project${path}`,
    handle: async (call) => {
      await assertProjectExists(call);
      return handle(call);
    },
  };
}

export async function assertProjectExists({
  store,
  projectId,
}: Pick<DashboardCall, 'store' | 'projectId'>): Promise<void> {
  if ((await store.projects.find(projectId)) === undefined) throw notFound('Project', projectId);
}

async function getSession({ store, defaultProject, baseUrl }: DashboardCall): Promise<SessionInfo> {
  const projects = await store.dashboard.projects();
  return { projects, default_project: defaultProject, version: VERSION, base_url: baseUrl };
}

async function listTasks({ store, projectId, query }: DashboardCall): Promise<TaskPage> {
  const { rows, ...cursors } = await store.dashboard.tasks(projectId, readTasksQuery(query));
  return { tasks: rows, ...cursors };
}

async function getTask({ store, projectId, id }: DashboardCall): Promise<TaskDetail> {
  const [task, details] = await Promise.all([
    store.tasks.find(projectId, id),
    store.dashboard.details(projectId, id),
  ]);
  if (task === undefined || details === undefined) throw notFound('Task', id);
  return { task, ...details };
}

const flagBody = z.object({
  flag: z.enum(['success', 'failure']),
  notes: z.string().max(2000, 'at most 2000 characters').nullish(),
});

async function flagTask(call: DashboardCall): Promise<TaskDetail> {
  const { flag, notes } = readBody(flagBody, call.body);
  const verdict = { value: flag, source: 'owner', notes: notes || null };
  const task = await call.store.tasks.change(call.projectId, call.id, { verdict });
  if (task === undefined) throw notFound('Task', call.id);
  return getTask(call);
}

async function listSessions({ store, projectId, query }: DashboardCall): Promise<SessionPage> {
  const { rows, ...cursors } = await store.dashboard.sessions(projectId, readPageQuery(query));
  return { sessions: rows, ...cursors };
}

async function getTranscript({ store, projectId, id, query }: DashboardCall): Promise<Transcript> {
  const { after, limit } = readPageQuery(query);
  const session = await store.sessions.find(projectId, id);
  if (session === undefined) throw notFound('Session', id);
  return { session, ...(await store.dashboard.transcript(projectId, id, { after, limit })) };
}

async function getOverview({ store, projectId, query }: DashboardCall): Promise<Overview> {
  return store.dashboard.overview(projectId, readOverviewQuery(query));
}

async function getChoices({ store, projectId }: DashboardCall): Promise<Choices> {
  return store.dashboard.choices(projectId);
}
