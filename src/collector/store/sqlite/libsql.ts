import { PhosphoConfigError } from '../../../errors.ts';
import type { NativeDriver } from './native.ts';

interface LibsqlStatement {
  all(parameters: unknown[]): unknown[];
  run(parameters: unknown[]): { changes: number; lastInsertRowid: number };
}

type LibsqlDatabase = new (
  path: string,
) => { prepare(sql: string): LibsqlStatement; close(): void };

/**
 * Opens a database with libsql, the optional peer for a Node without `node:sqlite`.
 *
 * @throws PhosphoConfigError with the line to install it, where it is missing
 */
export async function openLibsql(path: string): Promise<NativeDriver> {
  const Database = await loadLibsql();
  return new Database(path);
}

async function loadLibsql(): Promise<LibsqlDatabase> {
  try {
    const module: unknown = await import('libsql');
    return (module as { default: LibsqlDatabase }).default;
  } catch (cause) {
    throw new PhosphoConfigError(
      `Node ${process.versions.node} has no built-in SQLite driver (Node 22.13 and later have one), and the ` +
        'package libsql, which replaces it, cannot be loaded. Install it: npm install libsql',
      { cause },
    );
  }
}
