import { type RawBuilder, sql } from 'kysely';
import type { TasksTable } from '../schema.ts';

/** The texts of a task, whose bytes in UTF-8 are its size: what a project's `retention_bytes` counts. */
const TEXTS = [
  'input',
  'output',
  'additional_input',
  'additional_output',
  'metadata',
  'data',
  'notes',
] as const;

/** The size of a task as it is stored, where NUL has become U+FFFD, of three bytes. */
export function bytesOf(task: Pick<TasksTable, (typeof TEXTS)[number]>): number {
  let bytes = 0;
  for (const column of TEXTS) {
    const text = task[column];
    if (text === null) continue;
    bytes += Buffer.byteLength(text);
    if (text.includes('\u0000')) bytes += 2 * (text.split('\u0000').length - 1);
  }
  return bytes;
}

/** The same in the database, which knows it without reading the texts. */
export const STORED_BYTES: RawBuilder<number> = sql<number>`(${sql.join(
  TEXTS.map((column) => sql`coalesce(octet_length(${sql.ref(column)}), 0)`),
  sql` + `,
)})`;
