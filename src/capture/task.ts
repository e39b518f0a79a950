import { newTaskId } from '../internal/ids.ts';
import { isError } from '../internal/is-error.ts';
import type { JsonObject, Outcome, Step, ToolCall } from '../types.ts';
import { type Formats, KNOWN_FORMATS } from './extract/index.ts';
import { type CallResult, type Extracted, extractCall, rawText } from './extracted.ts';
import type { Privacy } from './privacy.ts';
import { safeJson, shorten, toPlain } from './serialize.ts';
import type { TracedSpan } from './tracing.ts';
import { errorName, NOT_RECORDED, withoutTexts } from './without-texts.ts';

/** What may be said of a task from outside, by options or by `req.phospho.set()`. */
export interface TaskFields {
  sessionId?: string | undefined;
  userId?: string | undefined;
  versionId?: string | undefined;
  /** Replaces what was captured as the input. */
  input?: string | undefined;
  /** Replaces what was captured as the output. */
  output?: string | undefined;
  /** Merged into the task's metadata; later keys win. */
  metadata?: JsonObject | undefined;
}

const TEXT_FIELDS = ['sessionId', 'userId', 'versionId', 'input', 'output'] as const;

/** How a task ended, and where its contents are to be had; the latter runs off the path. */
export interface TaskEnd {
  outcome: Outcome;
  error?: unknown;
  /** Milliseconds from its opening; default: until it settles. */
  elapsedMs?: number | undefined;
  /** To be sent only if it is flagged, or turns out to have ended in an error. */
  isSampledOut?: ((sessionOrTaskId: string) => boolean) | undefined;
  extract(): Extracted | Promise<Extracted>;
}

/** What is known of a step when it opens. */
export interface StepKind {
  /** Of this step and the ones within it. */
  hidesTexts?: boolean;
  /** By it a model is asked, mostly in another process. */
  isModelCall?: boolean;
}

/** Steps kept per task; the ones beyond are counted in its metadata. */
const MAX_STEPS = 1_000;
/** Characters of a step's input or output. */
const MAX_STEP_TEXT = 65_536;

/** One open task: an id from the start, fields as they become known, steps as they happen, one end. */
export class OpenTask {
  readonly id: string;
  readonly parentId: string | undefined;
  /** Only ever becomes stricter. */
  privacy: Privacy;
  /** UNIX milliseconds. */
  readonly startedAt: number;
  readonly fields: TaskFields;
  /** What its surroundings say of it: weaker than its own fields, stronger than what a request seems to say. */
  ambient: TaskFields | undefined;
  /** Where the app traces what it does. */
  span: TracedSpan | undefined;
  steps: OpenStep[] = [];
  /** Of steps at any depth. */
  readonly #counts: { kept: number; leftOut: number };
  /** Read when needed: session and user may be known only late in a request. */
  identify: (() => TaskFields) | undefined;
  /** What the bodies of its steps may look like. */
  formats: Formats = KNOWN_FORMATS;
  onSettled: (() => void) | undefined;
  readonly #openedAt: number;
  readonly #isRemains: boolean;
  #settled = false;

  /** @param of the task whose remains it is */
  constructor(
    id: string | undefined,
    parentId: string | undefined,
    privacy: Privacy,
    of?: OpenTask,
  ) {
    this.id = id ?? newTaskId();
    this.parentId = parentId;
    this.privacy = privacy;
    this.#isRemains = of !== undefined;
    this.startedAt = of?.startedAt ?? Date.now();
    this.#openedAt = of === undefined ? performance.now() : of.#openedAt;
    this.fields = of?.fields ?? {};
    this.#counts = of === undefined ? { kept: 0, leftOut: 0 } : of.#counts;
    if (of === undefined) return;
    this.formats = of.formats;
    this.ambient = of.ambient;
  }

  /**
   * The same task without its steps, and nothing else that may hold objects of the app's: what can still be recorded
   * once the rest of it is garbage.
   */
  remains(): OpenTask {
    return new OpenTask(this.id, this.parentId, this.privacy, this);
  }

  get stepsLeftOut(): number {
    return this.#counts.leftOut + (this.#isRemains ? this.#counts.kept : 0);
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  /** Milliseconds since the task opened. */
  elapsedMs(): number {
    return performance.now() - this.#openedAt;
  }

  set(fields: TaskFields): void {
    mergeFields(this.fields, fields);
  }

  /** What a step within knows of the task, where the app has not said it of the task itself. */
  suggest({ sessionId, userId }: TaskFields): void {
    this.ambient = { ...mergeFields({}, { sessionId, userId }), ...this.ambient };
  }

  /** All that is said of it by now, the strongest first: by itself, its surroundings, its request. */
  known(): TaskFields {
    const { ambient, fields } = this;
    const known = mergeFields({}, this.#identified());
    if (ambient !== undefined) mergeFields(known, ambient);
    return mergeFields(known, fields);
  }

  #identified(): TaskFields {
    try {
      return this.identify?.() ?? {};
    } catch {
      return {};
    }
  }

  /** True for the first caller only: a task has one end. */
  claimEnd(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    return true;
  }

  /** Once the record is made: code that still runs in this task's scope must not keep its contents. */
  release(): void {
    this.steps = [];
    this.span = undefined;
    this.identify = undefined;
    this.onSettled = undefined;
  }

  /** One that is counted alone. */
  leaveOutStep(): void {
    this.#counts.leftOut += 1;
  }

  openStep(
    name: string,
    input: unknown,
    parent: OpenStep | undefined,
    { hidesTexts = false, isModelCall = false }: StepKind = {},
  ): OpenStep | undefined {
    if (this.#counts.kept >= MAX_STEPS) {
      this.leaveOutStep();
      return undefined;
    }
    this.#counts.kept += 1;
    const step = new OpenStep(`${this.#counts.kept}`, name, input, {
      formats: this.formats,
      hidesTexts: hidesTexts || parent?.hidesTexts === true,
    });
    step.span = (parent?.span ?? this.span)?.begin(name, isModelCall);
    (parent?.steps ?? this.steps).push(step);
    return step;
  }
}

/** Adds what is said to what is known; later words win. */
export function mergeFields(known: TaskFields, said: TaskFields): TaskFields {
  for (const key of TEXT_FIELDS) {
    const value: unknown = said[key];
    // Databases number their users: an id that is no string becomes one.
    if (value !== undefined && value !== null) known[key] = rawText(value);
  }
  const { metadata } = said;
  if (typeof metadata !== 'object' || metadata === null) return known;
  // Each of its bytes would be a key.
  if (ArrayBuffer.isView(metadata)) return known;
  try {
    known.metadata = { ...known.metadata, ...metadata };
  } catch {
    // Its getters throw: the task does without.
  }
  return known;
}

/** One open step. It keeps references until the task is serialised. */
export class OpenStep {
  readonly id: string;
  readonly name: string;
  readonly hidesTexts: boolean;
  readonly startedAt: number = Date.now();
  readonly steps: OpenStep[] = [];
  span: TracedSpan | undefined;
  /** What the app adds to it. */
  metadata: JsonObject | undefined;
  readonly #openedAt: number = performance.now();
  readonly #input: unknown;
  readonly #formats: Formats;
  #output: unknown;
  #items: readonly unknown[] | undefined;
  #durationMs: number | undefined;
  #outcome: Outcome = 'aborted';
  #error: unknown;

  constructor(
    id: string,
    name: string,
    input: unknown,
    { formats, hidesTexts }: { formats: Formats; hidesTexts: boolean },
  ) {
    this.#formats = formats;
    this.id = id;
    this.name = name;
    this.hidesTexts = hidesTexts;
    this.#input = input;
  }

  end(outcome: Outcome, result: CallResult & { error?: unknown }): void {
    if (this.#durationMs !== undefined) return;
    this.#durationMs = performance.now() - this.#openedAt;
    this.#outcome = outcome;
    this.#output = result.output;
    this.#items = result.items;
    this.#error = result.error;
  }

  /** The contents as a task of its own would have them. */
  extract(): Extracted {
    const result = { output: this.#output, items: this.#items };
    const contents = extractCall(this.#input, result, this.#formats);
    return this.hidesTexts ? withoutTexts(contents, answerOf(contents) !== undefined) : contents;
  }

  get error(): unknown {
    return this.#error;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  /** That it happened, and when. */
  bareWire(): Step {
    return {
      step_id: this.id,
      name: this.name,
      started_at: this.startedAt,
      duration_ms: round(this.#durationMs ?? performance.now() - this.#openedAt),
      outcome: this.#outcome,
      ...(this.steps.length === 0 ? {} : { steps: this.steps.map((step) => step.bareWire()) }),
    };
  }

  /** `isTextless`: nothing that anybody said. */
  toWire(isTextless: boolean): Step {
    const contents = this.extract();
    const { input, model, usage, finishReason, toolCalls, rawInput } = contents;
    const answer = answerOf(contents);
    const hides = isTextless || this.hidesTexts;
    const shown = (text: string): string => (hides ? NOT_RECORDED : shorten(text, MAX_STEP_TEXT));
    return {
      step_id: this.id,
      name: this.name,
      input: shown(input ?? rawText(rawInput)),
      ...(answer === undefined ? {} : { output: shown(answer) }),
      started_at: this.startedAt,
      duration_ms: round(this.#durationMs ?? performance.now() - this.#openedAt),
      outcome: this.#outcome,
      ...(this.#error === undefined
        ? {}
        : { error: hides ? errorName(this.#error) : errorText(this.#error) }),
      ...(model === undefined ? {} : { model }),
      ...(usage === undefined ? {} : { usage }),
      ...(finishReason === undefined ? {} : { finish_reason: finishReason }),
      ...(toolCalls === undefined ? {} : { tool_calls: shownCalls(toolCalls, hides) }),
      ...(this.metadata === undefined ? {} : { metadata: plainObject(this.metadata) }),
      ...(this.steps.length === 0 ? {} : { steps: this.steps.map((step) => step.toWire(hides)) }),
    };
  }
}

/** The arguments of a call are a text that somebody said. */
function shownCalls(calls: readonly ToolCall[], hides: boolean): ToolCall[] {
  if (hides) return calls.map(({ name }) => ({ name }));
  return toPlain(calls) as ToolCall[];
}

/** A hook may answer anything. */
function plainObject(value: unknown): JsonObject {
  const plain = toPlain(value);
  const isObject = typeof plain === 'object' && plain !== null && !Array.isArray(plain);
  return isObject ? (plain as JsonObject) : {};
}

function answerOf({ output, rawOutput }: Extracted): string | undefined {
  return output ?? (rawOutput === undefined ? undefined : rawText(rawOutput));
}

/** Milliseconds to three digits: what is below is noise. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Name and message of whatever was thrown; never throws itself. */
export function errorText(error: unknown): string {
  return shorten(typeof error === 'string' ? error : (named(error) ?? plainText(error)), 2_000);
}

function named(error: unknown): string | undefined {
  try {
    return isError(error) ? `${error.name}: ${error.message}` : undefined;
  } catch {
    return undefined;
  }
}

function plainText(error: unknown): string {
  return safeJson(toPlain(error)) ?? 'unknown';
}
