import { PhosphoConfigError } from '../errors.ts';
import { theStart } from './admin/actors.ts';
import { isWorking } from './http/keys.ts';
import { keyId, makeApiKey, storedKey } from './model/api-key.ts';
import type { KeyRecord, KeyStore } from './store/store.ts';

/** Where a project's key comes from, and the key itself while it is known and works. */
export type ProjectKey =
  | { origin: 'given'; plain: string; warning?: string }
  | { origin: 'made'; plain: string }
  | { origin: 'kept'; plain?: undefined }
  | { origin: 'refused'; plain?: undefined; warning: string };

const NAME = 'start';

/**
 * Creates the project, and sees to its key: the given one, else what it has, else a new one. The key of a start
 * takes the place of the keys of earlier starts; keys that were made by API or command line stay. One that was
 * revoked or has expired is not brought back: the collector starts without it.
 *
 * @param renew - make a new key although there is one
 * @throws PhosphoConfigError where the given key belongs to another project, or is given beside `renew`
 */
export async function settleKey(
  keys: KeyStore,
  projectId: string,
  { given, renew }: { given: string | undefined; renew: boolean },
): Promise<ProjectKey> {
  if (given !== undefined && renew) {
    throw new PhosphoConfigError(
      'newKey makes a key, but one was given. Leave out --new-key, or --api-key and PHOSPHO_COLLECTOR_API_KEY',
    );
  }
  const plain = given ?? makeApiKey();
  const key = storedKey(projectId, plain, { name: NAME });
  const known = given === undefined ? undefined : await keys.find(key.hash);
  if (known !== undefined && known.projectId !== projectId) {
    throw new PhosphoConfigError(
      `apiKey takes a key of project ${projectId}; the key of project ${known.projectId} came. ` +
        'Give each project a key of its own',
    );
  }
  const ifNone = given === undefined && !renew;
  const stored = await keys.settle({ key, ifNone, actor: theStart() });
  if (stored === 'kept') return { origin: 'kept' };
  if (given === undefined) return { origin: 'made', plain };
  if (!isWorking(stored)) {
    return { origin: 'refused', warning: `${ended(stored)}. It stays refused: ${OTHER}` };
  }
  if (stored.replacedBy === null) return { origin: 'given', plain };
  return { origin: 'given', plain, warning: `${ended(stored)}. From then on, ${OTHER}` };
}

const OTHER = 'give apps, and PHOSPHO_COLLECTOR_API_KEY where it is set, another one';

function ended(key: KeyRecord): string {
  const { revokedAt, expiresAt, replacedBy } = key;
  const at = (seconds: number | null) => new Date((seconds ?? 0) * 1000).toISOString();
  const by = replacedBy === null ? '' : ` (${keyId({ hash: replacedBy })} has taken its place)`;
  if (revokedAt !== null)
    return `the given key, ${keyId(key)}, was revoked at ${at(revokedAt)}${by}`;
  const verb = isWorking(key) ? 'works until' : 'expired at';
  return `the given key, ${keyId(key)}, ${verb} ${at(expiresAt)}${by}`;
}
