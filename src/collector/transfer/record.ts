import * as z from 'zod';
import type { JsonObject } from '../../types.ts';
import { RESULTS } from '../answers/others.ts';
import { id } from '../inputs/ids.ts';
import { isTooDeep, jsonObject, MAX_DEPTH } from '../inputs/json.ts';
import { nameOf } from '../store/facts.ts';
import { storableJson } from '../store/storable.ts';
import type { Arriving } from '../store/store.ts';

/** The years 1 to 9999: what clocks and calendars show. */
const seconds = z.int().min(-62_135_596_800).max(253_402_300_799);
const text = z.string().nullish().default(null);
const anId = id.nullish().default(null);
const environment = z.string().default('default environment');
/** Orders what is of one second. Absent in files that are written by hand; then it is given anew. */
const arrival = z.int().default(0);
const flag = z.enum(['success', 'failure']);
const name = z
  .string()
  .nullish()
  .transform((value) => (typeof value === 'string' ? nameOf(value) : null));

/** A JSON object as the text of a column. */
const json = jsonObject
  .nullish()
  .transform((value) => (value === null || value === undefined ? null : storableJson(value)));
const jsonOrEmpty = jsonObject.default({}).transform((value) => storableJson(value));

/** An Eval within a task tells its project, which may be another one here. */
const evalJson = (projectId: string) =>
  jsonObject
    .nullish()
    .transform((value): string | null =>
      value === null || value === undefined ? null : storableJson(ofProject(value, projectId)),
    );

function ofProject(value: JsonObject, projectId: string): JsonObject {
  return 'project_id' in value ? { ...value, project_id: projectId } : value;
}

function rowsOf(projectId: string) {
  const ofAll = { id, created_at: seconds };
  return {
    session: z.object({
      ...ofAll,
      ...{ received_us: arrival, metadata: json, data: json, notes: text, preview: text },
      environment,
    }),
    task: z.object({
      ...ofAll,
      ...{ session_id: anId, received_us: arrival, input: z.string(), output: text },
      ...{ additional_input: json, additional_output: json, metadata: jsonOrEmpty, data: json },
      flag: flag.nullish().default(null),
      ...{ last_eval: evalJson(projectId), last_eval_source: text },
      ...{ human_eval: evalJson(projectId), notes: text, environment, test_id: anId },
      ...{ user_id: name, version_id: name },
    }),
    eval: z.object({
      ...ofAll,
      ...{ received_us: arrival, session_id: anId, task_id: id, value: flag, source: z.string() },
      ...{ test_id: anId, notes: text },
    }),
    test: z.object({
      ...ofAll,
      created_by: z.string().default(''),
      last_updated_at: seconds,
      terminated_at: seconds.nullish().default(null),
      status: z.enum(['started', 'completed', 'canceled']),
      summary: jsonOrEmpty,
    }),
    comparison: z.object({
      ...ofAll,
      ...{ test_id: anId, instructions: text, context_input: z.string() },
      ...{ old_output: z.string(), new_output: z.string(), comparison_result: z.enum(RESULTS) },
      ...{ source: z.string(), reason: text },
    }),
  };
}

/**
 * Reads the lines of an export that follow its header.
 *
 * @param projectId - where they go
 */
export function recordReader(
  projectId: string,
): (value: unknown) => Arriving | { problem: string } {
  const schemas = rowsOf(projectId);
  return (value) => {
    if (isTooDeep(value)) return { problem: `is nested deeper than ${MAX_DEPTH} levels` };
    const kind = (value as { type?: unknown } | null)?.type;
    if (typeof kind !== 'string' || !Object.hasOwn(schemas, kind)) {
      return { problem: `has no type of ${Object.keys(schemas).join(', ')}` };
    }
    const { data, error } = schemas[kind as keyof typeof schemas].safeParse(value);
    if (error === undefined) return { kind, row: data } as Arriving;
    const [issue] = error.issues;
    return { problem: `${kind}: ${issue?.path.join('.')}: ${issue?.message}` };
  };
}
