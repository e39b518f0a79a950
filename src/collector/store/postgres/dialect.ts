import { PostgresAdapter, PostgresDialect } from 'kysely';

/**
 * Kysely locks migrations for a session. A PgBouncer that lends connections by the transaction gives the lock to one
 * connection and the unlocking to another. `PostgresEngine.alone` locks by a transaction instead.
 */
class Adapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}

  override async releaseMigrationLock(): Promise<void> {}
}

export class Dialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new Adapter();
  }
}
