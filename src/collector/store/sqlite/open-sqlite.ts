import { chmodSync, closeSync, openSync } from 'node:fs';
import { Kysely, SqliteAdapter, SqliteDialect, sql } from 'kysely';
import { PhosphoConfigError } from '../../../errors.ts';
import { describeError } from '../../../internal/hooks.ts';
import type { Schema } from '../schema.ts';
import { openLibsql } from './libsql.ts';
import { adaptDriver, type NativeDriver } from './native.ts';
import { openNodeSqlite } from './node-sqlite.ts';

/** SQLite's DDL is transactional, though Kysely's adapter says otherwise: a migration applies whole or not. */
class TransactionalDdl extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class Dialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalDdl();
  }
}

/**
 * Opens the SQLite database of a path, or `:memory:`. A new file is readable by its owner only.
 *
 * @throws PhosphoConfigError where it cannot be opened
 */
export async function openSqlite(path: string): Promise<Kysely<Schema>> {
  if (path !== ':memory:') createPrivateFile(path);
  const driver = await openDriver(path);
  const db = new Kysely<Schema>({ dialect: new Dialect({ database: adaptDriver(driver) }) });
  try {
    await configure(db);
  } catch (cause) {
    await db.destroy();
    throw cannotOpen(path, cause);
  }
  return db;
}

/** SQLite gives its -wal and -shm files the mode of the database file. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
    // The process's umask may have taken the owner's bits away.
    chmodSync(path, 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotOpen(path, cause);
  }
}

/** @throws PhosphoConfigError where it cannot be opened */
export async function openDriver(path: string): Promise<NativeDriver> {
  try {
    return openNodeSqlite(path) ?? (await openLibsql(path));
  } catch (cause) {
    throw cause instanceof PhosphoConfigError ? cause : cannotOpen(path, cause);
  }
}

/**
 * Bytes, of a new file: SQLite fixes it with the first write. Tasks of 2 KB would each take a page of the default 4096
 * alone, and the file be a third larger; of larger pages each change of an index writes more.
 */
const PAGE_BYTES = 8192;
/** Kibibytes that a connection keeps of the file at most; the default 2 MB does not hold the indexes of a day. */
const CACHE_KIB = 32_768;

/**
 * Events are acknowledged after their commit. With `synchronous=FULL` a commit is fsynced, so it outlives a
 * power cut as well as a killed process; with NORMAL a power cut could take the last commits back.
 */
async function configure(db: Kysely<Schema>): Promise<void> {
  await sql`pragma busy_timeout = 5000`.execute(db);
  await sql`pragma page_size = ${sql.lit(PAGE_BYTES)}`.execute(db);
  await sql`pragma cache_size = ${sql.lit(-CACHE_KIB)}`.execute(db);
  await sql`pragma journal_mode = wal`.execute(db);
  await sql`pragma synchronous = full`.execute(db);
  await sql`pragma foreign_keys = on`.execute(db);
  // What is deleted is overwritten, so that it is not in the file any more.
  await sql`pragma secure_delete = on`.execute(db);
}

function cannotOpen(path: string, cause: unknown): PhosphoConfigError {
  return new PhosphoConfigError(
    `cannot open the database ${path}: ${describeError(cause)}. ` +
      'Give the path of a SQLite file in a directory that exists and can be written, e.g. sqlite:./phospho.db',
    { cause },
  );
}
