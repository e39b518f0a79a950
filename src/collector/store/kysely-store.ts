import { type Kysely, sql } from 'kysely';
import { KyselyComparisons } from './comparisons.ts';
import { DashboardStore } from './dashboard/dashboard-store.ts';
import { KyselyLogins } from './logins.ts';
import { migrate } from './migrations.ts';
import { KyselyProjects } from './projects.ts';
import type { Schema } from './schema.ts';
import { KyselySessions } from './sessions.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';
import type { Store } from './store.ts';
import { KyselyTasks } from './tasks.ts';
import { KyselyTests } from './tests.ts';

/** The Store over one Kysely, whatever its dialect. SQLite has one connection, so transactions take turns. */
class KyselyStore implements Store {
  readonly projects: KyselyProjects;
  readonly tasks: KyselyTasks;
  readonly sessions: KyselySessions;
  readonly tests: KyselyTests;
  readonly comparisons: KyselyComparisons;
  readonly dashboard: DashboardStore;
  readonly logins: KyselyLogins;
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>, onChange: (projectId: string) => void) {
    this.#db = db;
    this.projects = new KyselyProjects(db);
    this.tasks = new KyselyTasks(db, onChange);
    this.sessions = new KyselySessions(db);
    this.tests = new KyselyTests(db);
    this.comparisons = new KyselyComparisons(db);
    this.dashboard = new DashboardStore(db);
    this.logins = new KyselyLogins(db);
  }

  async check(): Promise<void> {
    await sql`select 1`.execute(this.#db);
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }
}

/**
 * Opens the store of a SQLite path or `:memory:`, with its schema up to date.
 *
 * @param onChange - told after each commit that has changed a project's tasks
 * @throws PhosphoConfigError where it cannot be opened, or is not ours
 */
export async function openStore(
  path: string,
  onChange: (projectId: string) => void = () => undefined,
): Promise<Store> {
  const db = await openSqlite(path);
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return new KyselyStore(db, onChange);
}
