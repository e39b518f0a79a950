import * as z from 'zod';
import { newTaskId } from '../../internal/ids.ts';
import type { Flag, JsonObject } from '../../types.ts';
import { request } from '../openapi/registry.ts';
import { unixNow } from '../store/clock.ts';
import type { NewTask } from '../store/store.ts';
import { id } from './ids.ts';
import { isObject, isTooDeep, jsonObject, MAX_DEPTH, rawValue, unixSeconds } from './json.ts';

const DEFAULT_ENVIRONMENT = 'default environment';
const MAX_AHEAD_SECONDS = 24 * 60 * 60;

const flag: z.ZodType<Flag> = z.enum(['success', 'failure']);

const text = z.string().nullish();

const schema = request(
  'LogEvent',
  z
    .object({
      project_id: text.describe('That of the path'),
      input: z.string(),
      output: text,
      client_created_at: unixSeconds.nullish(),
      created_at: unixSeconds
        .nullish()
        .describe(
          'UNIX seconds. Default: client_created_at, else the time of arrival, which also stands for a time that is ' +
            'negative or more than a day ahead',
        ),
      last_update: unixSeconds.nullish(),
      metadata: jsonObject.nullish(),
      session_id: id.nullish().describe('A session that is unknown is created'),
      task_id: id
        .nullish()
        .describe(
          'The idempotency key: an id that is stored already is ignored. Default: a new one',
        ),
      step_id: text,
      version_id: text,
      user_id: text,
      flag: flag.nullish(),
      test_id: id.nullish(),
      raw_input: rawValue.nullish(),
      raw_input_type_name: text,
      raw_output: rawValue.nullish(),
      raw_output_type_name: text,
      environment: text.describe('Default: "default environment"'),
    })
    .describe('One exchange with a model. Keys that are not known go to the metadata'),
);

/** Keys that have a column of their own; any other, known or not, goes to the metadata. */
const OWN_COLUMN = new Set([
  ...['project_id', 'task_id', 'session_id', 'input', 'output', 'created_at', 'metadata'],
  ...['flag', 'test_id', 'raw_input', 'raw_output', 'environment'],
]);

/**
 * A log event as the task that it becomes.
 *
 * @returns the field at fault and what came instead, where the event is not valid
 */
export function taskOfEvent(event: unknown, projectId: string): NewTask | { error: string } {
  if (isTooDeep(event)) return { error: `nested deeper than ${MAX_DEPTH} levels` };
  const { data, error } = schema.safeParse(event);
  if (error !== undefined) return { error: describe(error) };
  if ((data.project_id ?? projectId) !== projectId) {
    return { error: 'project_id: is not the project of the URL' };
  }
  const metadata = metadataOf(isObject(event) ? event : {}, data.metadata ?? {});
  return {
    id: data.task_id ?? newTaskId(),
    sessionId: data.session_id ?? null,
    createdAt: saneTime(data.created_at ?? data.client_created_at),
    input: data.input,
    output: data.output ?? null,
    additionalInput: additional('raw_input', data.raw_input),
    additionalOutput: additional('raw_output', data.raw_output),
    metadata,
    data: null,
    flag: data.flag ?? null,
    environment: data.environment ?? DEFAULT_ENVIRONMENT,
    testId: data.test_id ?? null,
    userId: textIn(metadata.user_id),
    versionId: textIn(metadata.version_id),
  };
}

/** Object.fromEntries and spread define keys, where an assignment to `__proto__` would set a prototype. */
function metadataOf(event: JsonObject, metadata: JsonObject): JsonObject {
  const extra = Object.entries(event).filter(
    ([key, value]) => !OWN_COLUMN.has(key) && value !== null,
  );
  return { ...Object.fromEntries(extra), ...metadata };
}

/** A raw value as an object: a string or list is put under `key`. */
export function additional(key: 'raw_input' | 'raw_output', raw: unknown): JsonObject | null {
  if (raw === null || raw === undefined) return null;
  return isObject(raw) ? raw : { [key]: raw };
}

function saneTime(claimed: number | null | undefined): number {
  const now = unixNow();
  if (claimed === null || claimed === undefined) return now;
  return claimed < 0 || claimed > now + MAX_AHEAD_SECONDS ? now : claimed;
}

export function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function describe(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}
