import { type ShownAct, shownAct } from '../../admin/shown.ts';
import { acts } from '../../answers/admin.ts';
import { nextOf, PAGE_ROWS, pageBefore } from '../../inputs/admin.ts';
import type { Store } from '../../store/store.ts';
import { administered, type Route } from '../route.ts';

const shared = {
  method: 'GET',
  tag: 'Administration',
  description:
    'Refused attempts are not in it; they are in the request log. Rows are never changed.',
  query: pageBefore,
  answer: acts,
} as const;

/** Who has administered what. */
export const auditRoutes: readonly Route[] = [
  administered({
    ...shared,
    path: '/admin/audit',
    summary: 'List the administrative acts on all projects, and those on none',
    handle: ({ store, query }) => page(store, undefined, query),
  }),
  administered({
    ...shared,
    path: '/admin/projects/:project_id/audit',
    summary: 'List the administrative acts on a project',
    errors: [404],
    handle: ({ store, projectId, query }) => page(store, projectId, query),
  }),
];

async function page(
  store: Store,
  projectId: string | undefined,
  { before, limit = PAGE_ROWS }: { before?: string | undefined; limit?: number | undefined },
): Promise<{ acts: ShownAct[]; next: string | null }> {
  const entries = await store.audit.list(projectId, { before, limit });
  return { acts: entries.map(shownAct), next: nextOf(entries, limit) };
}
