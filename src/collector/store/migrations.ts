import { type Kysely, type Migration, Migrator, sql } from 'kysely';
import { PhosphoConfigError } from '../../errors.ts';
import { describeError } from '../../internal/hooks.ts';
import type { Engine } from './engine.ts';
import { initial } from './migrations/0001-initial.ts';
import { dashboard } from './migrations/0002-dashboard.ts';
import { textSearch } from './migrations/0003-text-search.ts';
import { manyWriters } from './migrations/0004-many-writers.ts';
import { comparisonReason } from './migrations/0010-comparison-reason.ts';
import { otlp } from './migrations/0011-otlp.ts';
import { keysSettingsAudit } from './migrations/0012-keys-settings-audit.ts';
import { removal } from './migrations/0013-removal.ts';
import { searchMerges } from './migrations/0014-search-merges.ts';
import type { Schema } from './schema.ts';

/**
 * In order of their names, for both engines. A published migration never changes: a new one is added. Where the
 * engines differ, the migration says so.
 */
function migrationsOf(engine: Engine): Record<string, Migration> {
  const all = {
    '0001-initial': initial(engine),
    '0002-dashboard': dashboard(engine),
    '0003-text-search': textSearch(engine),
    '0004-many-writers': manyWriters(engine),
    '0010-comparison-reason': comparisonReason,
    '0011-otlp': otlp(engine),
    '0012-keys-settings-audit': keysSettingsAudit(engine),
    '0013-removal': removal(engine),
    '0014-search-merges': searchMerges(engine),
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, { up }]) => {
      const unhurried = async (db: Kysely<unknown>): Promise<void> => {
        await engine.withoutLimits(db as Kysely<Schema>);
        await up(db);
      };
      return [name, { up: unhurried }];
    }),
  );
}

/**
 * Brings a database to the newest schema, one transaction for all that is missing.
 *
 * @param say - told before one that is in use is changed, which takes time and keeps others waiting
 * @throws PhosphoConfigError where it is no database of ours, one of a newer version, or locked
 */
export async function migrate(engine: Engine, say: (message: string) => void): Promise<void> {
  const { db } = engine;
  const migrations = migrationsOf(engine);
  const applied = await appliedTo(db);
  const newer = applied.filter((name) => !Object.hasOwn(migrations, name));
  if (newer.length > 0) {
    throw new PhosphoConfigError(
      `the database is of a newer version of phospho-express: it has ${newer.join(', ')}, which this one does ` +
        'not know. Update phospho-express, or name another database',
    );
  }
  const missing = Object.keys(migrations).filter((name) => !applied.includes(name));
  if (missing.length === 0) return;
  if (applied.length > 0) {
    say(
      `the database is brought to this version's schema (${missing.join(', ')}), which takes some seconds for each ` +
        '100 000 tasks; others that use it wait, or fail, until then. Broken off, it begins anew at the next start',
    );
  }
  const provider = { getMigrations: async () => migrations };
  const { error } = await engine.alone(() => new Migrator({ db, provider }).migrateToLatest());
  if (error === undefined) return;
  throw new PhosphoConfigError(
    `the database cannot be brought to this version's schema: ${describeError(error)}. ` +
      'Is it in use by another process, or written by another program? If another collector brings it up to date just ' +
      'now, try again later; else end that process, or name another database',
    { cause: error },
  );
}

/** A look before the Migrator's many: most starts find nothing to do. */
async function appliedTo(db: Kysely<Schema>): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
    return rows.map(({ name }) => name);
  } catch {
    // A new database; or one that cannot be asked, of which the Migrator's error tells.
    return [];
  }
}
