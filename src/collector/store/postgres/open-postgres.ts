import { Kysely, sql } from 'kysely';
import { PhosphoConfigError } from '../../../errors.ts';
import { describeError } from '../../../internal/hooks.ts';
import { nameOfDatabase, type PostgresDatabase } from '../database.ts';
import type { Schema } from '../schema.ts';
import { unavailability } from '../unavailable.ts';
import { poolConfig } from './connection.ts';
import { Dialect } from './dialect.ts';
import type { Pg } from './load-pg.ts';
import { GuardedPool } from './pool.ts';

/** The oldest that its makers still mend. */
const OLDEST_VERSION = 14;

/**
 * Opens a pool of connections to a PostgreSQL.
 *
 * @throws PhosphoConfigError where it cannot be reached, is too old, or keeps texts in another encoding than UTF-8
 */
export async function openPostgres(pg: Pg, database: PostgresDatabase): Promise<Kysely<Schema>> {
  const name = nameOfDatabase(database.url);
  let db: Kysely<Schema> | undefined;
  try {
    const pool = new GuardedPool(new pg.Pool(poolConfig(pg, database)));
    db = new Kysely<Schema>({ dialect: new Dialect({ pool }) });
    await checkServer(db, name);
    return db;
  } catch (cause) {
    await db?.destroy();
    if (cause instanceof PhosphoConfigError) throw cause;
    throw new PhosphoConfigError(
      `cannot open the database ${name}: ${unavailability(cause) ?? describeError(cause)}. ` +
        'Give the URL of a PostgreSQL that runs and lets you in, e.g. postgres://user:password@host:5432/phospho',
      { cause },
    );
  }
}

async function checkServer(db: Kysely<Schema>, name: string): Promise<void> {
  const { rows } = await sql<{ version: string; encoding: string }>`
    select current_setting('server_version_num') as version,
      current_setting('server_encoding') as encoding`.execute(db);
  const { version = '0', encoding } = rows[0] ?? {};
  const major = Math.floor(Number(version) / 10_000);
  if (major < OLDEST_VERSION) {
    throw new PhosphoConfigError(
      `database takes PostgreSQL ${OLDEST_VERSION} or newer; ${name} is of version ${major}. Upgrade it`,
    );
  }
  if (encoding !== 'UTF8') {
    throw new PhosphoConfigError(
      `database takes a PostgreSQL database in UTF8; ${name} is in ${encoding}. ` +
        "Create another: create database phospho encoding 'UTF8' template template0",
    );
  }
}
