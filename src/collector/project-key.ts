import { PhosphoConfigError } from '../errors.ts';
import { makeApiKey, recogniseKey, storedKey } from './http/keys.ts';
import type { ProjectStore } from './store/store.ts';

/** Where a project's key comes from, and the key itself while it is known. */
export type ProjectKey =
  | { origin: 'given' | 'made'; plain: string }
  | { origin: 'kept'; plain?: undefined };

/**
 * Creates the project, and sees to its key: the given one, else the stored one, else a new one. A project
 * has one key at a time, so giving or making one revokes the other.
 *
 * @param renew - make a new key although one is stored
 * @throws PhosphoConfigError where the given key belongs to another project, or is given beside `renew`
 */
export async function settleKey(
  projects: ProjectStore,
  projectId: string,
  { given, renew }: { given: string | undefined; renew: boolean },
): Promise<ProjectKey> {
  if (given !== undefined && renew) {
    throw new PhosphoConfigError(
      'newKey makes a key, but one was given. Leave out --new-key, or --api-key and PHOSPHO_COLLECTOR_API_KEY',
    );
  }
  await projects.ensure(projectId);
  const plain = given ?? makeApiKey();
  if (given === undefined && !renew) {
    const isFirst = await projects.addFirstKey(storedKey(projectId, plain));
    return isFirst ? { origin: 'made', plain } : { origin: 'kept' };
  }
  const known = await recogniseKey(projects, plain);
  if (known !== undefined && known.projectId !== projectId) {
    throw new PhosphoConfigError(
      `apiKey takes a key of project ${projectId}; the key of project ${known.projectId} came. ` +
        'Give each project a key of its own',
    );
  }
  if (known === undefined) await projects.replaceKeys(storedKey(projectId, plain));
  return { origin: given === undefined ? 'made' : 'given', plain };
}
