import { PostgresAdapter, PostgresDialect, sql } from 'kysely';

/** Of the whole database: one number for all collectors of all versions. */
const MIGRATION_LOCK = 7_040_713_318;

/**
 * Kysely's own lock is given back before the transaction commits, so a second collector could begin to migrate
 * what it does not see yet. This one is held until then, and by a transaction, which PgBouncer keeps together.
 */
class Adapter extends PostgresAdapter {
  override async acquireMigrationLock(
    ...[db]: Parameters<PostgresAdapter['acquireMigrationLock']>
  ): Promise<void> {
    // A large database may take its time, and so may another collector that is at it.
    for (const limit of [
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
    ])
      await sql`select set_config(${limit}, '0', true)`.execute(db);
    await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(db);
  }

  override async releaseMigrationLock(): Promise<void> {}
}

export class Dialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new Adapter();
  }
}
