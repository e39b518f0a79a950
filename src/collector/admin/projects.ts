import { HttpError } from '../http/http-error.ts';
import { makeApiKey, storedKey } from '../model/api-key.ts';
import type { NewProject, ProjectStore } from '../store/store.ts';
import type { KeyWish } from './keys.ts';

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
  if (await projects.create({ ...project, key }, actor)) return plain;
  throw new HttpError(409, `There is a project ${project.id} already`);
}
