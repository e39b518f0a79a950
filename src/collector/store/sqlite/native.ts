import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { storableText } from '../storable.ts';

/** What a driver must do for us: `node:sqlite` and libsql differ only in how they take parameters. */
export interface NativeDriver {
  prepare(sql: string): {
    all(parameters: unknown[]): unknown[];
    run(parameters: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  };
  close(): void;
}

const READS = /^\s*(?:select|with|pragma|explain|values)\b|\breturning\b/i;

/** Statements that are kept prepared: those of every request are a few dozen. */
const MAX_KEPT = 128;
/** Characters; the text of a large batch's insert is as long as the batch, and rarely comes again. */
const MAX_KEPT_LENGTH = 16_384;

/** Makes a driver fit Kysely, which expects better-sqlite3's shape. */
export function adaptDriver(driver: NativeDriver): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    close() {
      kept.clear();
      driver.close();
    },
    prepare(sql) {
      const statement = kept.get(sql) ?? statementOf(driver, sql);
      if (sql.length > MAX_KEPT_LENGTH) return statement;
      // The least recently used one is the first to go.
      kept.delete(sql);
      kept.set(sql, statement);
      for (const oldest of kept.keys()) {
        if (kept.size <= MAX_KEPT) break;
        kept.delete(oldest);
      }
      return statement;
    },
  };
}

function statementOf(driver: NativeDriver, text: string): SqliteStatement {
  // Our transactions write. A deferred one that has read before another process writes cannot be
  // upgraded (SQLITE_BUSY_SNAPSHOT, which busy_timeout does not wait out); an immediate one waits its turn.
  const sql = text === 'begin' ? 'begin immediate' : text;
  const statement = driver.prepare(sql);
  const all = (parameters: readonly unknown[]) => statement.all(parameters.map(bindable));
  return {
    // node:sqlite tells whether a statement reads only from 22.16 on. Our SQL has no word "returning" elsewhere.
    reader: READS.test(sql),
    all,
    run: (parameters) => statement.run(parameters.map(bindable)),
    iterate: (parameters) => all(parameters).values(),
  };
}

/**
 * libsql aborts the process on a boolean or undefined. Both drivers read a text only up to its first NUL
 * and cannot hold half a surrogate pair.
 */
function bindable(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return storableText(value);
    case 'boolean':
      return value ? 1 : 0;
    case 'number':
    case 'bigint':
      return value;
    default:
      if (value === null) return null;
      throw new TypeError(`a ${typeof value} is not a value that SQLite stores`);
  }
}
