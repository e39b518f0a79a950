import { existsSync } from 'node:fs';
import { Option } from 'commander';
import type { ResolvedOptions } from '../../collector/resolve-options.ts';
import type { Store } from '../../collector/store/store.ts';
import { PhosphoConfigError } from '../../errors.ts';

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
  if (database !== undefined) warnOfPassword(database);
  const { resolveOptions } = await import('../../collector/resolve-options.ts');
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
      `there is no database at ${found.path}. Give the collector's own: --database sqlite:<path>`,
    );
  }
  return data;
}

/**
 * Runs work over the data of a project, beside whatever collectors run over it.
 *
 * @throws PhosphoConfigError where the database or the project is not there
 */
export async function withData<T>(
  { database, project }: Data,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const { openStore } = await import('../../collector/store/open-store.ts');
  const store = await openStore(database);
  try {
    if ((await store.projects.find(project)) === undefined) {
      throw new PhosphoConfigError(
        `the database has no project ${project}. Name one that it has: --project <id>`,
      );
    }
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Arguments of a process are no secret. */
export function warnOfPassword(database: string): void {
  if (!/^postgres(?:ql)?:\/\/[^/@]*:[^/@]+@/.test(database)) return;
  console.error(
    'Warning: a password in --database can be read by every user of this machine while the collector runs, and ' +
      'stays in the shell history. Set PHOSPHO_COLLECTOR_DATABASE instead, or PGPASSWORD beside it.',
  );
}
