import { existsSync } from 'node:fs';
import { Option } from 'commander';
import type { ResolvedOptions } from '../../collector/resolve-options.ts';
import type { Store } from '../../collector/store/store.ts';
import { PhosphoConfigError } from '../../errors.ts';
import { warnOfSecrets } from './secrets.ts';

/** What each command over the collector's data takes. */
export interface DataFlags {
  database?: string;
  project?: string;
}

export const databaseOption = (): Option =>
  new Option(
    '--database <url>',
    'sqlite:<path> or postgres://<user>@<host>/<name>; default sqlite:./phospho.db (env: PHOSPHO_COLLECTOR_DATABASE)',
  );

export const projectOption = (): Option =>
  new Option('--project <id>', 'whose data; default demo (env: PHOSPHO_COLLECTOR_PROJECT)');

/** Where the data is, and whose. */
export type Data = Pick<ResolvedOptions, 'database' | 'project'>;

/**
 * Reads where the data is.
 *
 * @param mustExist - whether a SQLite file that is not there is an error: a mistyped path must not become an empty one
 * @throws PhosphoConfigError
 */
export async function dataOf(
  { database, project }: DataFlags,
  { mustExist }: { mustExist: boolean },
): Promise<Data> {
  warnOfSecrets({ database });
  const { resolveOptions } = await import('../../collector/resolve-options.ts');
  const { placeOf } = await import('../../collector/store/database.ts');
  const data = resolveOptions({
    ...(database !== undefined && { database }),
    ...(project !== undefined && { project }),
  });
  const { database: found } = data;
  if (found.kind === 'sqlite' && found.path === ':memory:') {
    throw new PhosphoConfigError(
      'sqlite::memory: is within the collector that runs. Give a database that others can open: --database sqlite:<path>',
    );
  }
  if (found.kind === 'sqlite' && mustExist && !existsSync(found.path)) {
    throw new PhosphoConfigError(
      `there is no database at ${placeOf(found)}. Give the collector's own: --database sqlite:<path>`,
    );
  }
  return data;
}

/** Runs work over a database, beside whatever collectors run over it. What takes long is told to the person. */
export async function withStore<T>(
  { database }: Pick<Data, 'database'>,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  // Loaded here: `--help` needs nothing of it.
  const { openStore } = await import('../../collector/store/open-store.ts');
  const store = await openStore(database, undefined, (message) => console.error(message));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** @throws PhosphoConfigError where the database has no such project */
export async function assertProject(store: Store, id: string): Promise<void> {
  if ((await store.projects.find(id)) !== undefined) return;
  throw new PhosphoConfigError(
    `the database has no project ${id}. Name one that it has: --project <id>`,
  );
}
