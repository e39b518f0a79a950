import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Schema } from '../schema.ts';
import { wordTest } from './word-test.ts';

/** Of the newest tasks. */
const SAMPLE = 100;
/** Characters of each of their texts. */
const READ = 4096;

/** How large a share of a project's newest tasks holds each word, above 0 and up to 1. */
export async function wordRates(
  db: Kysely<Schema>,
  projectId: string,
  words: readonly string[],
): Promise<Map<string, number>> {
  const texts = await db
    .selectFrom('tasks')
    .select([
      sql<string>`substr(input, 1, ${READ})`.as('input'),
      sql<string | null>`substr(output, 1, ${READ})`.as('output'),
    ])
    .where('project_id', '=', projectId)
    .orderBy('created_at', 'desc')
    .orderBy('received_us', 'desc')
    .limit(SAMPLE)
    .execute();
  return new Map(
    words.map((word) => {
      const holds = wordTest([word]);
      const count = texts.filter((text) => holds(text)).length;
      // One that none of them holds may be in the next.
      return [word, Math.max(count, 0.5) / Math.max(texts.length, 1)];
    }),
  );
}
