import { type Kysely, type Migration, type MigrationProvider, Migrator } from 'kysely';
import { PhosphoConfigError } from '../../errors.ts';
import { describeError } from '../../internal/hooks.ts';
import { initial } from './migrations/0001-initial.ts';
import { dashboard } from './migrations/0002-dashboard.ts';
import { comparisonReason } from './migrations/0010-comparison-reason.ts';
import type { Schema } from './schema.ts';
import { textSearch } from './sqlite/search-migration.ts';

/** In order of their names. A published migration never changes: a new one is added. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-dashboard': dashboard,
  '0003-text-search': textSearch,
  '0010-comparison-reason': comparisonReason,
};

const provider: MigrationProvider = { getMigrations: async () => MIGRATIONS };

/**
 * Brings a database to the newest schema, one transaction for all that is missing.
 *
 * @throws PhosphoConfigError where the file is no database of ours, one of a newer version, or locked
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error === undefined) return;
  throw new PhosphoConfigError(
    `the database cannot be brought to this version's schema: ${describeError(error)}. ` +
      'Is it in use by another process, or written by a newer version of phospho-express or another program? ' +
      'End that process, update, or name another file',
    { cause: error },
  );
}
