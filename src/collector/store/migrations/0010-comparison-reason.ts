import type { Kysely, Migration } from 'kysely';

/** Why the judge found as it did. */
export const comparisonReason: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('comparisons').addColumn('reason', 'text').execute();
  },
};
