import { type Expression, type SqlBool, sql } from 'kysely';

/** Where a row stands in a list that is ordered by time, newest first. */
export interface Position {
  created_at: number;
  received_us: number;
}

/** A position as it stands in a URL. */
export function cursorOf({ created_at, received_us }: Position): string {
  return `${created_at}.${received_us}`;
}

/** @returns undefined where the text is no cursor of ours */
export function positionOf(cursor: string): Position | undefined {
  const [, created_at, received_us] = /^(\d{1,15})\.(\d{1,16})$/.exec(cursor) ?? [];
  return created_at === undefined
    ? undefined
    : { created_at: Number(created_at), received_us: Number(received_us) };
}

/** What is older or newer than a position: a comparison of pairs, which an index on both columns serves. */
export function isBeyond(
  table: 't' | 's',
  side: 'older' | 'newer',
  { created_at, received_us }: Position,
): Expression<SqlBool> {
  const pair = sql`(${sql.ref(`${table}.created_at`)}, ${sql.ref(`${table}.received_us`)})`;
  const position = sql`(${created_at}, ${received_us})`;
  return side === 'older'
    ? sql<SqlBool>`${pair} < ${position}`
    : sql<SqlBool>`${pair} > ${position}`;
}

/** Which page: what comes after a row of the list (`before` it in time), or in front of it; neither: the newest. */
export interface PageStart {
  before?: Position | undefined;
  after?: Position | undefined;
}

/** A page of rows, newest first, and the cursors of what lies on either side. */
export interface Page<Row> {
  rows: Row[];
  older: string | null;
  newer: string | null;
}

/**
 * Cuts a page from rows that were read in the page's direction (newest first or, with `after`, oldest first),
 * with one row more than the limit.
 */
export function pageOf<Row extends Position>(
  read: readonly Row[],
  limit: number,
  { before, after }: PageStart,
): Page<Row> {
  const hasMore = read.length > limit;
  const rows = read.slice(0, limit);
  if (after !== undefined) rows.reverse();
  const [first, last] = [rows.at(0), rows.at(-1)];
  const hasOlder = after === undefined ? hasMore : true;
  const hasNewer = after === undefined ? before !== undefined : hasMore;
  return {
    rows,
    older: hasOlder && last !== undefined ? cursorOf(last) : null,
    newer: hasNewer && first !== undefined ? cursorOf(first) : null,
  };
}
