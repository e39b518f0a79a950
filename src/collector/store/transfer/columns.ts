import type { TaskFacts } from '../facts.ts';
import type { Schema } from '../schema.ts';

/** What a file of exported data holds, one a line. */
export type RecordKind = 'session' | 'task' | 'eval' | 'test' | 'comparison';

export interface Tables {
  session: 'sessions';
  task: 'tasks';
  eval: 'evals';
  test: 'tests';
  comparison: 'comparisons';
}

export const TABLES: Tables = {
  session: 'sessions',
  task: 'tasks',
  eval: 'evals',
  test: 'tests',
  comparison: 'comparisons',
};

export type RowOf<Kind extends RecordKind> = Schema[Tables[Kind]];

/** The project is the file's, and what is worked out of a task's metadata is not told. */
export type ColumnOf<Kind extends RecordKind> = Exclude<
  keyof RowOf<Kind>,
  'project_id' | (Kind extends 'task' ? keyof TaskFacts : never)
>;

/** What of a row stands in its line, in this order. */
export const COLUMNS: { [Kind in RecordKind]: readonly ColumnOf<Kind>[] } = {
  session: [
    ...(['id', 'created_at', 'received_us', 'metadata', 'data', 'notes', 'preview'] as const),
    'environment',
  ],
  task: [
    ...(['id', 'session_id', 'created_at', 'received_us', 'input', 'output'] as const),
    ...(['additional_input', 'additional_output', 'metadata', 'data', 'flag'] as const),
    ...(['last_eval', 'last_eval_source', 'human_eval', 'notes', 'environment'] as const),
    ...(['test_id', 'user_id', 'version_id'] as const),
  ],
  eval: [
    ...(['id', 'created_at', 'received_us', 'session_id', 'task_id', 'value', 'source'] as const),
    ...(['test_id', 'notes'] as const),
  ],
  test: [
    ...(['id', 'created_by', 'created_at', 'last_updated_at', 'terminated_at'] as const),
    ...(['status', 'summary'] as const),
  ],
  comparison: [
    ...(['id', 'created_at', 'test_id', 'instructions', 'context_input'] as const),
    ...(['old_output', 'new_output', 'comparison_result', 'source', 'reason'] as const),
  ],
};

/** Columns that hold JSON, which stands in a line as such. */
export const JSON_COLUMNS: ReadonlySet<string> = new Set([
  ...['metadata', 'data', 'additional_input', 'additional_output', 'last_eval', 'human_eval'],
  'summary',
]);

/** A row as a line of JSON. Texts of JSON are passed on as they are: this is most of what an export does. */
export function lineOf<Kind extends RecordKind>(kind: Kind, row: object): string {
  let line = `{"type":"${kind}"`;
  for (const column of COLUMNS[kind] as readonly string[]) {
    const value = (row as Record<string, unknown>)[column] ?? null;
    const text =
      typeof value === 'string' && JSON_COLUMNS.has(column) ? value : JSON.stringify(value);
    line += `,"${column}":${text}`;
  }
  return `${line}}`;
}
