import type { Kysely, Migration } from 'kysely';
import type { Engine } from '../engine.ts';

/** Spans that wait to become tasks, and may yet be joined by others of their traces. */
export const otlp = (engine: Engine): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const traces = db.schema
      .createTable('otlp_traces')
      .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
      .addColumn('trace_id', 'text', (column) => column.notNull())
      .addColumn('waits_since_ms', 'bigint', (column) => column.notNull())
      .addColumn('due_ms', 'bigint')
      .addColumn('forget_ms', 'bigint', (column) => column.notNull())
      .addColumn('spans', 'integer', (column) => column.notNull())
      .addColumn('bytes', 'bigint', (column) => column.notNull())
      .addColumn('made', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('otlp_traces_key', ['project_id', 'trace_id']);
    await engine.createTable(db, 'otlp_traces', traces);
    const spans = db.schema
      .createTable('otlp_spans')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('trace_id', 'text', (column) => column.notNull())
      .addColumn('span_id', 'text', (column) => column.notNull())
      .addColumn('span', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('otlp_spans_key', ['project_id', 'trace_id', 'span_id']);
    await engine.createTable(db, 'otlp_spans', spans);
    for (const column of ['due_ms', 'forget_ms']) {
      await db.schema
        .createIndex(`otlp_traces_by_${column}`)
        .on('otlp_traces')
        .column(column)
        .execute();
    }
  },
});
