import { createProject, knownProject } from '../../admin/projects.ts';
import { shownProject } from '../../admin/shown.ts';
import { adminProject, adminProjects, madeProject } from '../../answers/admin.ts';
import {
  newProject,
  nextOf,
  PAGE_ROWS,
  pageAfter,
  projectChange,
  wishOf,
} from '../../inputs/admin.ts';
import { administered, type Route } from '../route.ts';

const PROJECTS = '/admin/projects';
const ofOne = {
  path: `${PROJECTS}/:project_id`,
  tag: 'Administration',
  answer: adminProject,
  errors: [404],
} as const;

/** `/admin/projects`: which there are, and how they are set up. */
export const projectAdminRoutes: readonly Route[] = [
  administered({
    method: 'GET',
    path: PROJECTS,
    tag: 'Administration',
    summary: 'List all projects',
    query: pageAfter,
    answer: adminProjects,
    handle: async ({ store, query: { after, limit = PAGE_ROWS } }) => {
      const projects = await store.projects.list({ after, limit });
      return { projects: projects.map(shownProject), next: nextOf(projects, limit) };
    },
  }),
  administered({
    method: 'POST',
    path: PROJECTS,
    tag: 'Administration',
    summary: 'Make a project',
    body: newProject,
    answer: madeProject,
    errors: [409],
    example: { id: 'shop', project_name: 'Web shop', key: { name: 'backend' } },
    handle: async ({ store, actor, body }) => {
      const { id, project_name: name, settings, key } = body;
      const wish = key ? wishOf(key) : undefined;
      const project = { id, name: name ?? id, settings: settings ?? {} };
      const plain = await createProject(store.projects, project, wish, actor);
      return { ...knownProject(id, await store.projects.read(id)), api_key: plain ?? null };
    },
  }),
  administered({
    ...ofOne,
    method: 'GET',
    summary: 'Read how a project is set up',
    handle: async ({ store, projectId }) =>
      knownProject(projectId, await store.projects.read(projectId)),
  }),
  administered({
    ...ofOne,
    method: 'POST',
    summary: 'Rename a project, or change its settings',
    body: projectChange,
    example: { project_name: 'Web shop' },
    handle: async ({ store, projectId, actor, body }) => {
      const change = { name: body.project_name ?? undefined, settings: body.settings ?? undefined };
      return knownProject(projectId, await store.projects.change(projectId, change, actor));
    },
  }),
];
