import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { KyselyStore } from './kysely-store.ts';
import { migrate } from './migrations.ts';
import { checkPartitions } from './postgres/check-partitions.ts';
import { PostgresEngine } from './postgres/engine.ts';
import { loadPg } from './postgres/load-pg.ts';
import { openPostgres } from './postgres/open-postgres.ts';
import { SqliteEngine } from './sqlite/engine.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';
import type { Store } from './store.ts';

/**
 * Opens the store of a database, with its schema up to date.
 *
 * @param onChange - told after each commit that has changed a project's tasks
 * @throws PhosphoConfigError where it cannot be opened, or is not ours
 */
export async function openStore(
  database: Database,
  onChange: (projectId: string) => void = () => undefined,
): Promise<Store> {
  const engine = await openEngine(database);
  try {
    await migrate(engine);
    if (database.kind === 'postgres') await checkPartitions(engine.db, database);
  } catch (error) {
    await engine.db.destroy();
    throw error;
  }
  return new KyselyStore(engine, onChange);
}

async function openEngine(database: Database): Promise<Engine> {
  if (database.kind === 'sqlite') return new SqliteEngine(await openSqlite(database.path));
  return new PostgresEngine(await openPostgres(await loadPg(), database), database.partitions);
}
