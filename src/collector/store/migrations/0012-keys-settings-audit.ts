import type { Kysely, Migration } from 'kysely';
import type { Engine } from '../engine.ts';

/** What keys may do and until when, what a project has set for itself, and who has administered what. */
export const keysSettingsAudit = (engine: Pick<Engine, 'createTable'>): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('projects').addColumn('settings', 'text').execute();
    await db.schema
      .alterTable('api_keys')
      // What keys could do before there were scopes.
      .addColumn('scopes', 'text', (column) => column.notNull().defaultTo('read write'))
      .execute();
    await db.schema
      .alterTable('api_keys')
      .addColumn('name', 'text', (column) => column.notNull().defaultTo('start'))
      .execute();
    // There were no others before.
    await db.schema
      .alterTable('api_keys')
      .addColumn('of_start', 'integer', (column) => column.notNull().defaultTo(1))
      .execute();
    for (const column of ['expires_at', 'revoked_at', 'last_used_at'])
      await db.schema.alterTable('api_keys').addColumn(column, 'bigint').execute();
    await db.schema.alterTable('api_keys').addColumn('replaced_by', 'text').execute();
    const audit = db.schema
      .createTable('audit')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('act', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('details', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('audit_key', ['project_id', 'id']);
    await engine.createTable(db, 'audit', audit);
    // All projects' acts in their order.
    await db.schema.createIndex('audit_by_id').on('audit').column('id').execute();
  },
});
