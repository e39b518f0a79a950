import { Command } from 'commander';
import type { Store } from '../../collector/store/store.ts';
import { type DataFlags, databaseOption, dataOf, withStore } from './database.ts';

export interface AdminFlags extends DataFlags {
  json?: boolean;
  quiet?: boolean;
}

/** A command that administers what a collector's database has. */
export function adminCommand(name: string): Command {
  return new Command(name).addOption(databaseOption()).option('--json', 'write JSON, for scripts');
}

/** What it works on. */
export interface Work {
  store: Store;
  projectId: string;
  /** Who runs it, as the audit names them. */
  actor: string;
}

/**
 * Works on the database that the flags name, beside whatever collectors run over it.
 *
 * @throws PhosphoConfigError where it is not there, or cannot be opened
 */
export async function administer<T>(
  flags: AdminFlags,
  work: (work: Work) => Promise<T>,
  { mustExist }: { mustExist: boolean } = { mustExist: true },
): Promise<T> {
  const data = await dataOf(flags, { mustExist });
  const { theCommandLine } = await import('../../collector/admin/actors.ts');
  const actor = theCommandLine();
  return withStore(data, (store) => work({ store, projectId: data.project, actor }));
}
