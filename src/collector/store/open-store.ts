import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { KyselyStore } from './kysely-store.ts';
import { migrate } from './migrations.ts';
import type { Follower, News } from './news.ts';
import { checkPartitions } from './postgres/check-partitions.ts';
import { clientConfig } from './postgres/connection.ts';
import { PostgresEngine } from './postgres/engine.ts';
import { loadPg } from './postgres/load-pg.ts';
import { PostgresNews } from './postgres/news.ts';
import { openPostgres } from './postgres/open-postgres.ts';
import { SqliteEngine } from './sqlite/engine.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';
import type { Store } from './store.ts';

/**
 * Opens the store of a database, with its schema up to date.
 *
 * @param follower - told after each commit that has changed a project's tasks; on PostgreSQL also of commits of
 * other collectors, of the projects that it follows
 * @param say - told what takes long
 * @throws PhosphoConfigError where it cannot be opened, or is not ours
 */
export async function openStore(
  database: Database,
  follower: Follower = NOBODY,
  say: (message: string) => void = () => undefined,
): Promise<Store> {
  const { engine, news } = await open(database, follower);
  try {
    await migrate(engine, say);
    if (database.kind === 'postgres') await checkPartitions(engine.db, database);
  } catch (error) {
    await engine.db.destroy();
    throw error;
  }
  return new KyselyStore(engine, follower, news?.());
}

const NOBODY: Follower = {
  projects: () => [],
  changed: () => undefined,
  changedElsewhere: () => undefined,
};

/** The engine, and what carries news between collectors once the schema is there: a SQLite file has one. */
async function open(
  database: Database,
  follower: Follower,
): Promise<{ engine: Engine; news?: () => News }> {
  if (database.kind === 'sqlite') {
    return { engine: new SqliteEngine(await openSqlite(database.path)) };
  }
  const pg = await loadPg();
  const db = await openPostgres(pg, database);
  const connect = () => new pg.Client(clientConfig(pg, database.url));
  return {
    engine: new PostgresEngine(db, database.partitions),
    news: () => new PostgresNews(db, follower, connect),
  };
}
