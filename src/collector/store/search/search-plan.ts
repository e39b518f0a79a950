import { type Expression, type SqlBool, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { splitWords } from './split-words.ts';
import { queriedWords, wordsIn } from './text-words.ts';
import { wordRates } from './word-rates.ts';
import { type SearchedTexts, wordTest } from './word-test.ts';

/** How to find the tasks that hold the words of a query. */
export interface SearchPlan {
  /** What the database is asked for, of tasks `t`. */
  where: Expression<SqlBool>;
  /** Of these, the ones that match; undefined: all. */
  holds: ((texts: SearchedTexts) => boolean) | undefined;
  /** What finds them by the index alone, where few of those that the database finds hold them. */
  surely(): Promise<Expression<SqlBool>>;
}

/** @param wanted - how many matches, at most */
export async function planSearch(
  { db, search }: Engine,
  projectId: string,
  query: string,
  wanted: number,
): Promise<SearchPlan> {
  const words = [...new Set(queriedWords(query).flatMap(wordsIn))];
  const surely = () => search.matches(projectId, words);
  if (words.length === 0) return { where: sql<SqlBool>`1 = 0`, holds: undefined, surely };
  const rates = await wordRates(db, projectId, words);
  const { indexed, checked } = splitWords(rates, await search.size(db, projectId), wanted);
  return {
    where:
      indexed.length === 0
        ? sql<SqlBool>`t.project_id = ${projectId}`
        : await search.matches(projectId, indexed),
    holds: checked.length === 0 ? undefined : wordTest(checked),
    surely,
  };
}
