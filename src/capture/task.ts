import { newTaskId } from '../internal/ids.ts';
import type { Outcome } from '../types.ts';
import { type Formats, KNOWN_FORMATS } from './extract/index.ts';
import type { Extracted } from './extracted.ts';
import type { Privacy } from './privacy.ts';
import { OpenStep } from './step.ts';
import { mergeFields, type TaskFields } from './task-fields.ts';
import type { TracedSpan } from './tracing.ts';

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
