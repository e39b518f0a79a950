import { type Kysely, sql } from 'kysely';
import { PhosphoConfigError } from '../../../errors.ts';
import { nameOfDatabase, type PostgresDatabase } from '../database.ts';
import type { Schema } from '../schema.ts';

/**
 * Partitions are made with the tables.
 *
 * @throws PhosphoConfigError where they were asked for, and the database has another number of them
 */
export async function checkPartitions(
  db: Kysely<Schema>,
  { partitions, url }: PostgresDatabase,
): Promise<void> {
  if (partitions === 0) return;
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from pg_inherits where inhparent = 'tasks'::regclass`.execute(db);
  const count = rows[0]?.count ?? 0;
  if (count === partitions) return;
  throw new PhosphoConfigError(
    `partitions takes the number that the database has: the tables of ${nameOfDatabase(url)} were made with ` +
      `${count === 0 ? 'none' : count}; ${partitions} came. Leave the option out, or name a new database`,
  );
}
