import type { Selectable } from 'kysely';
import type { Eval, JsonObject, SessionContent, TaskContent, TestContent } from '../../types.ts';
import type { SessionsTable, TasksTable, TestsTable } from './schema.ts';
import { storableJson } from './storable.ts';

/** A task's place in its session; both null for a task without one. */
export interface Place {
  position: number;
  length: number;
}

export function taskOf(row: Selectable<TasksTable>, place: Place | undefined): TaskContent {
  return {
    id: row.id,
    created_at: row.created_at,
    project_id: row.project_id,
    org_id: null,
    session_id: row.session_id,
    input: row.input,
    additional_input: jsonOf(row.additional_input),
    output: row.output,
    additional_output: jsonOf(row.additional_output),
    metadata: jsonOf(row.metadata),
    data: jsonOf(row.data),
    flag: row.flag,
    last_eval: jsonOf<Eval>(row.last_eval),
    human_eval: jsonOf<Eval>(row.human_eval),
    events: [],
    environment: row.environment,
    notes: row.notes,
    test_id: row.test_id,
    task_position: place?.position ?? null,
    is_last_task: place === undefined ? null : place.position === place.length,
  };
}

/** A session's row with what is counted from its tasks. */
export type CountedSession = Selectable<SessionsTable> & {
  session_length: number | null;
  last_message_ts: number | null;
};

export function sessionOf(row: CountedSession): SessionContent {
  return {
    id: row.id,
    created_at: row.created_at,
    project_id: row.project_id,
    org_id: null,
    metadata: jsonOf(row.metadata),
    data: jsonOf(row.data),
    notes: row.notes,
    preview: row.preview,
    environment: row.environment,
    events: [],
    tasks: null,
    session_length: row.session_length ?? 0,
    last_message_ts: row.last_message_ts,
  };
}

export function testOf(row: Selectable<TestsTable>): TestContent {
  return {
    id: row.id,
    project_id: row.project_id,
    org_id: null,
    created_by: row.created_by,
    created_at: row.created_at,
    last_updated_at: row.last_updated_at,
    terminated_at: row.terminated_at,
    status: row.status,
    summary: jsonOf(row.summary) ?? {},
  };
}

/** Text of a JSON column. */
export function textOf(json: JsonObject | Eval | null): string | null {
  return json === null ? null : storableJson(json);
}

function jsonOf<T = JsonObject>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
