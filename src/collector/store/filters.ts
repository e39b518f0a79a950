import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { JsonObject, ProjectDataFilters } from '../../types.ts';
import type { Engine } from './engine.ts';
import { nameOf } from './facts.ts';
import type { Schema } from './schema.ts';

type TaskExpressions = ExpressionBuilder<Schema & { t: Schema['tasks'] }, 't'>;

/**
 * The filters of a task listing as conditions, to be joined by AND. Lists mean "any of these", so an empty
 * one matches nothing. This collector detects no events, so `event_name` matches nothing either; `sentiment`
 * and `language` match what the app itself has logged under these keys of the metadata.
 */
export function taskConditions(
  engine: Engine,
  eb: TaskExpressions,
  filters: ProjectDataFilters,
): Expression<SqlBool>[] {
  const found: Expression<SqlBool>[] = [];
  if (filters.created_at_start !== undefined)
    found.push(eb('t.created_at', '>=', filters.created_at_start));
  if (filters.created_at_end !== undefined)
    found.push(eb('t.created_at', '<=', filters.created_at_end));
  if (filters.flag !== undefined) found.push(eb('t.flag', '=', filters.flag));
  if (filters.user_id !== undefined) found.push(eb('t.user_id', '=', nameOf(filters.user_id)));
  if (filters.version_id !== undefined)
    found.push(eb('t.version_id', '=', nameOf(filters.version_id)));
  if (filters.last_eval_source !== undefined)
    found.push(eb('t.last_eval_source', '=', filters.last_eval_source));
  if (filters.has_notes !== undefined) found.push(hasNotes(eb, filters.has_notes));
  if (filters.tasks_ids !== undefined) found.push(anyOf(eb, 't.id', filters.tasks_ids));
  if (filters.sessions_ids !== undefined)
    found.push(anyOf(eb, 't.session_id', filters.sessions_ids));
  if (filters.task_position !== undefined) found.push(isAtPosition(filters.task_position));
  if (filters.is_last_task !== undefined) found.push(isLastTask(filters.is_last_task));
  if (filters.event_name !== undefined) found.push(NOTHING);
  for (const [key, value] of Object.entries(metadataOf(filters)))
    found.push(engine.metadataIs(key, value));
  return found;
}

const NOTHING = sql<SqlBool>`1 = 0`;

function anyOf(
  eb: TaskExpressions,
  column: 't.id' | 't.session_id',
  ids: readonly string[],
): Expression<SqlBool> {
  return ids.length === 0 ? NOTHING : eb(column, 'in', [...ids]);
}

function hasNotes(eb: TaskExpressions, wanted: boolean): Expression<SqlBool> {
  return wanted
    ? eb.and([eb('t.notes', 'is not', null), eb('t.notes', '!=', '')])
    : eb.or([eb('t.notes', 'is', null), eb('t.notes', '=', '')]);
}

/** Positions count from 1, the oldest; a task without session has none. */
function isAtPosition(position: number): Expression<SqlBool> {
  return sql<SqlBool>`t.session_id is not null and ${position} = (
    select count(*) from tasks as o
    where o.project_id = t.project_id and o.session_id = t.session_id
      and (o.created_at, o.received_us) <= (t.created_at, t.received_us))`;
}

function isLastTask(wanted: boolean): Expression<SqlBool> {
  const later = sql`(select 1 from tasks as o
    where o.project_id = t.project_id and o.session_id = t.session_id
      and (o.created_at, o.received_us) > (t.created_at, t.received_us))`;
  return wanted
    ? sql<SqlBool>`t.session_id is not null and not exists ${later}`
    : sql<SqlBool>`t.session_id is not null and exists ${later}`;
}

function metadataOf(filters: ProjectDataFilters): JsonObject {
  const { metadata, sentiment, language } = filters;
  return {
    ...metadata,
    ...(sentiment === undefined ? {} : { sentiment }),
    ...(language === undefined ? {} : { language }),
  };
}
