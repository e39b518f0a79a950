import { resolve } from 'node:path';

/** Where the data lives. */
export type Database = SqliteDatabase | PostgresDatabase;

export interface SqliteDatabase {
  kind: 'sqlite';
  /** Or `:memory:`. */
  path: string;
}

export interface PostgresDatabase {
  kind: 'postgres';
  /** With its password: see `nameOfDatabase` for what may be shown. */
  url: string;
  /** Connections at most, beside the one that listens. */
  poolSize: number;
  /** Into how many partitions a new database's tables are cut; 0 for none. */
  partitions: number;
}

/** Where to look for the data, for the person who runs the collector. */
export function placeOf(database: Database): string {
  if (database.kind === 'postgres') return nameOfDatabase(database.url);
  return database.path === ':memory:'
    ? 'memory: it is gone when the collector ends'
    : resolve(database.path);
}

/** Host, port and name: no user, no password, no parameters. */
export function nameOfDatabase(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
