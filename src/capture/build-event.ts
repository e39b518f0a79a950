import type { JsonObject, LogEvent, Step, Usage } from '../types.ts';
import { errorText } from './error-text.ts';
import { addUsage } from './extract/usage.ts';
import { type Extracted, rawText } from './extracted.ts';
import type { Mask } from './mask.ts';
import { maskId } from './mask-event.ts';
import { round } from './round.ts';
import { safeJson, shorten, toPlain } from './serialize.ts';
import type { OpenTask, TaskEnd } from './task.ts';
import { errorName, withoutTexts } from './without-texts.ts';

/** What every event of a Phospho carries. */
export interface EventDefaults {
  environment: string | undefined;
  versionId: () => string | undefined;
  /** Read for each event: `PHOSPHO_TEST_ID` may be set while a test runs. */
  testId: () => string | undefined;
}

/** Characters of input and of output. */
const MAX_TEXT = 1_048_576;
/** Characters of an id or a name: as many as a collector takes. */
const MAX_LABEL = 256;
/** Characters of an event's JSON, below what phospho takes; raw bodies and steps go first. */
const MAX_EVENT = 1_900_000;

/** One LogEvent from what a task knows of itself and what was read from its bodies. */
export function buildEvent(
  task: OpenTask,
  end: TaskEnd,
  read: Extracted,
  elapsedMs: number,
  defaults: EventDefaults,
): LogEvent {
  const isTextless = task.privacy.capture === 'metadata';
  const known = task.known();
  const found = recognised(task, read);
  const fields = isTextless ? { ...known, input: undefined, output: undefined } : known;
  const contents = isTextless ? withoutTexts(found, hasOutput(known, found)) : found;
  // Of each once: they may be of any size.
  const plainInput = toPlain(contents.rawInput);
  const plainOutput = toPlain(contents.rawOutput);
  const input = fields.input ?? contents.input ?? rawText(contents.rawInput, plainInput);
  const output = fields.output ?? contents.output ?? rawText(contents.rawOutput, plainOutput);
  const steps =
    task.steps.length > 0 ? task.steps.map((step) => step.toWire(isTextless)) : undefined;
  return {
    task_id: task.id,
    session_id: label(fields.sessionId ?? contents.sessionId),
    user_id: label(fields.userId),
    version_id: label(fields.versionId ?? defaults.versionId()),
    test_id: defaults.testId(),
    environment: defaults.environment,
    client_created_at: Math.floor(task.startedAt / 1000),
    last_update: Math.floor(Date.now() / 1000),
    input: shorten(input, MAX_TEXT),
    output: hasOutput(fields, contents) ? shorten(output, MAX_TEXT) : null,
    model: label(read.model ?? modelOf(steps) ?? contents.model),
    system_prompt: contents.systemPrompt,
    ...(read.usage ?? usageOf(steps) ?? contents.usage),
    metadata: metadataOf(task, end, contents, elapsedMs, fields.metadata),
    ...rawFields('raw_input', contents.rawInput, plainInput, input),
    ...rawFields('raw_output', contents.rawOutput, plainOutput, output),
    steps,
  } as LogEvent;
}

/** Ids may come from anybody's request: what a server would refuse in one must not cost the task. */
function label(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_LABEL).replace(/[\p{Cc}\p{Surrogate}]/gu, '_') || undefined;
}

/** The event's JSON, of a length that phospho takes: raw bodies and steps go first, then the middle of texts. */
export function fittingJson(event: LogEvent, maxCharacters: number = MAX_EVENT): string {
  const whole = JSON.stringify(event);
  if (whole.length <= maxCharacters) return whole;
  const { raw_input: _in, raw_output: _out, steps: _steps, ...rest } = event;
  const slim: LogEvent = { ...rest, metadata: { ...rest.metadata, raw_left_out: true } };
  const slimmed = JSON.stringify(slim);
  if (slimmed.length <= maxCharacters) return slimmed;
  // An escape takes up to six characters, so that these lengths fit whatever the texts hold.
  return JSON.stringify({
    ...slim,
    input: shorten(slim.input, maxCharacters / 16),
    output: typeof slim.output === 'string' ? shorten(slim.output, maxCharacters / 16) : null,
    system_prompt: shorten(slim.system_prompt ?? '', maxCharacters / 32),
    metadata: {
      outcome: slim.metadata?.outcome,
      latency_ms: slim.metadata?.latency_ms,
      raw_left_out: true,
    },
  });
}

/** The same for an event that is JSON already, and that the server found too large. */
export function shortenedJson(json: string, maxCharacters: number): string {
  return fittingJson(JSON.parse(json) as LogEvent, maxCharacters);
}

/** The event as it may leave when its mask has failed: that it happened, and nothing that was said. */
export function withoutBodies(event: LogEvent, masks: readonly Mask[]): LogEvent {
  const { task_id, session_id, client_created_at, environment, metadata } = event;
  return {
    task_id,
    ...(session_id === undefined ? {} : { session_id: maskId(session_id, masks) }),
    ...(environment === undefined ? {} : { environment }),
    client_created_at,
    input: '[not recorded: the mask failed]',
    output: null,
    metadata: { outcome: metadata?.outcome, latency_ms: metadata?.latency_ms, mask_failed: true },
  };
}

/** Where the bodies were not recognised, the outermost step's input and output fill the task. */
function recognised(task: OpenTask, read: Extracted): Extracted {
  const [step] = task.steps;
  if (step === undefined || (read.input !== undefined && read.output !== undefined)) return read;
  const shown = step.extract();
  // What stands for a hidden text is no better than the task's own raw value.
  if (step.hidesTexts && read.rawInput !== undefined) shown.input = undefined;
  if (step.hidesTexts && read.rawOutput !== undefined) shown.output = undefined;
  return { ...shown, ...dropUndefined(read), metadata: { ...shown.metadata, ...read.metadata } };
}

/** What the answer does not say of its model calls is known of its steps; a step's own counts are of all within it. */
function usageOf(steps: readonly Step[] | undefined): Usage | undefined {
  return steps?.map((step) => step.usage ?? usageOf(step.steps)).reduce(addUsage, undefined);
}

/** Of the last one: it has most likely given the answer. */
function modelOf(steps: readonly Step[] | undefined): string | undefined {
  let model: string | undefined;
  for (const step of steps ?? []) model = step.model ?? modelOf(step.steps) ?? model;
  return model;
}

function hasOutput(fields: OpenTask['fields'], { output, rawOutput }: Extracted): boolean {
  return (fields.output ?? output ?? rawOutput ?? undefined) !== undefined;
}

function metadataOf(
  task: OpenTask,
  end: TaskEnd,
  contents: Extracted,
  elapsedMs: number,
  own: JsonObject | undefined,
): JsonObject {
  const describe = task.privacy.capture === 'metadata' ? errorName : errorText;
  const error = end.error === undefined ? contents.error : describe(end.error);
  const { reasoning } = contents;
  // Each by itself: however much the app says, it takes no place of the others.
  return dropUndefined({
    ...plainFields(contents.metadata),
    ...plainFields(contents.about),
    ...(own && (toPlain(own) as JsonObject)),
    latency_ms: round(elapsedMs),
    outcome: end.outcome === 'complete' && contents.error !== undefined ? 'error' : end.outcome,
    error: toPlain(error),
    finish_reason: toPlain(contents.finishReason),
    tool_calls: toPlain(contents.toolCalls),
    reasoning: reasoning === undefined ? undefined : toPlain(shorten(reasoning, MAX_TEXT)),
    parent_task_id: task.parentId,
    steps_left_out: task.stepsLeftOut || undefined,
  });
}

function plainFields(fields: JsonObject | undefined): JsonObject | undefined {
  return fields && (toPlain(dropUndefined(fields)) as JsonObject);
}

/** A raw value that is the text itself would only travel twice. */
function rawFields(
  name: 'raw_input' | 'raw_output',
  raw: unknown,
  plain: unknown,
  text: string,
): JsonObject {
  if (raw === undefined || raw === null || raw === text) return {};
  return { [name]: rawOf(plain), [`${name}_type_name`]: typeName(raw) };
}

/** phospho takes an object, a string, or a list of either. */
function rawOf(plain: unknown): unknown {
  if (typeof plain === 'string' || (typeof plain === 'object' && !Array.isArray(plain)))
    return plain;
  const list = Array.isArray(plain) ? plain : [plain];
  return list.map((entry) =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry)
      ? entry
      : typeof entry === 'string'
        ? entry
        : (safeJson(entry) ?? ''),
  );
}

function typeName(raw: unknown): string {
  if (typeof raw !== 'object') return typeof raw;
  return Array.isArray(raw) ? 'list' : 'object';
}

function dropUndefined<T extends object>(value: T): T {
  const result = {} as T;
  for (const key of Object.keys(value) as (keyof T)[]) {
    if (value[key] !== undefined) result[key] = value[key];
  }
  return result;
}
