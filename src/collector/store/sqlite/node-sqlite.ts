import type { NativeDriver } from './native.ts';

interface NodeStatement {
  all(...parameters: unknown[]): unknown[];
  run(...parameters: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

interface NodeSqlite {
  DatabaseSync: new (path: string) => { prepare(sql: string): NodeStatement; close(): void };
}

/** Opens a database with Node's own driver; undefined where Node has none (before 22.13 it hides behind a flag). */
export function openNodeSqlite(path: string): NativeDriver | undefined {
  const module: unknown = process.getBuiltinModule('node:sqlite');
  if (module === undefined) return undefined;
  const { DatabaseSync } = module as NodeSqlite;
  const database = new DatabaseSync(path);
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => statement.run(...parameters),
      };
    },
  };
}
