import { HttpError, notFound } from '../http/http-error.ts';
import { makeApiKey, storedKey } from '../model/api-key.ts';
import type { NewProject, ProjectRecord, ProjectStore } from '../store/store.ts';
import type { KeyWish } from './keys.ts';
import { type ShownProject, shownProject } from './shown.ts';

/**
 * Makes a project, with its first key if one is wished for.
 *
 * @returns the key, which is not known again
 * @throws HttpError 409 where there is one of that id
 */
export async function createProject(
  projects: ProjectStore,
  project: Omit<NewProject, 'key'>,
  wish: KeyWish | undefined,
  actor: string,
): Promise<string | undefined> {
  const plain = wish && makeApiKey();
  const key = plain === undefined ? undefined : storedKey(project.id, plain, wish);
  const settings = withoutNulls(project.settings);
  if (await projects.create({ ...project, settings, key }, actor)) return plain;
  throw new HttpError(409, `There is a project ${project.id} already`);
}

/** A project as it is shown. @throws HttpError 404 where there is none, or no more */
export function knownProject(id: string, project: ProjectRecord | undefined): ShownProject {
  if (project === undefined) throw notFound('Project', id);
  return shownProject(project);
}

/** As for a change, null is not set. */
function withoutNulls(settings: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}
