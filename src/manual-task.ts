import { currentScope, inherited, runInScope, type Scope } from './capture/context.ts';
import { extractCall } from './capture/extracted.ts';
import type { Recorder } from './capture/recorder.ts';
import { snapshot } from './capture/snapshot.ts';
import type { TaskFields } from './capture/task-fields.ts';
import type { CallOptions } from './decorators/call-options.ts';
import { wrapWith } from './decorators/wrap.ts';
import { PhosphoArgumentError } from './errors.ts';
import { checkNames } from './option-checks.ts';
import type { JsonObject, Outcome } from './types.ts';

/** What is known of a task when it begins. */
export interface StartTaskOptions {
  /** Recorded as `metadata.name`. Default: none. */
  name?: string | undefined;
  /** What was asked: a text, a chat request, a list of messages, or anything else. Default: none. */
  input?: unknown;
  /** Default: a new one. */
  taskId?: string | undefined;
  /** Default: that of the surroundings, if any; see `withContext`. */
  sessionId?: string | undefined;
  /** Default: that of the surroundings, if any. */
  userId?: string | undefined;
  /** Default: that of the surroundings, else the Phospho's. */
  versionId?: string | undefined;
  metadata?: JsonObject | undefined;
}

/** How a task that was begun by hand ended. */
export interface TaskResult {
  /** What was answered: a text, a completion, or anything else. Default: none. */
  output?: unknown;
  /** Whatever was thrown. */
  error?: unknown;
  /** Default: `error` where there is one, else `complete`. */
  outcome?: Outcome;
}

/** A task that is open until its `end` is called. Its methods may be taken off it. */
export interface ManualTask {
  readonly taskId: string;
  /** Says more of it, until it has ended; later words win, metadata is merged. */
  set(fields: TaskFields): void;
  /** Runs a function within the task: what it wraps, decorates or observes becomes steps of it. */
  run<R>(work: () => R): R;
  /** Runs a function as a step of the task, and returns what it returns; recorded as `wrap` does. */
  step<R>(name: string, work: () => R, options?: StepOptions<R>): R;
  /** Records the task; a second call does nothing. One that is never called leaves no record. */
  end(result?: TaskResult): void;
}

/** What to record of a step. */
export type StepOptions<R> = Omit<CallOptions<() => R>, 'name'>;

const NAMES = new Set<string>([
  'name',
  'input',
  'taskId',
  'sessionId',
  'userId',
  'versionId',
  'metadata',
] satisfies (keyof StartTaskOptions)[]);

/** See `Phospho.startTask`. */
export function startTask(recorder: Recorder, options: StartTaskOptions): ManualTask {
  checkNames('startTask()', options, NAMES, PhosphoArgumentError);
  const { name, input, taskId, metadata, ...ids } = options;
  const outer = currentScope();
  const task = recorder.open({
    taskId,
    parentTaskId: outer?.task.id,
    privacy: outer?.task.privacy,
    spanName: name ?? 'task',
  });
  if (outer !== undefined) {
    task.formats = outer.task.formats;
    task.ambient = inherited(outer);
  }
  task.set({ ...ids, metadata });
  if (name !== undefined) task.set({ metadata: { name } });
  const asked = snapshot(input);
  const scope: Scope = { recorder, task, step: undefined };
  const run = <R>(work: () => R): R => (recorder.isEnabled ? runInScope(scope, work) : work());
  return {
    taskId: task.id,
    set: (fields) => {
      if (!task.isSettled) task.set(fields);
    },
    run,
    step: (stepName, work, stepOptions) => run(stepOf(recorder, stepName, work, stepOptions)),
    end: (result) => {
      const { output, error, outcome = error === undefined ? 'complete' : 'error' } = result ?? {};
      if (!recorder.isEnabled) {
        recorder.discard(task);
        return;
      }
      const answered = snapshot(output);
      recorder.settle(task, {
        outcome,
        error,
        extract: () => extractCall(asked, { output: answered }, task.formats),
      });
    },
  };
}

/** A function that runs as a step of the open task, or as a task where none is open. */
export function stepOf<R>(
  recorder: Recorder,
  name: string,
  work: () => R,
  options: StepOptions<R> = {},
): () => R {
  if (typeof name !== 'string' || name === '') {
    throw new PhosphoArgumentError(
      `step() takes a name and a function, and the name must be a non-empty string, got ${typeof name}: step('retrieve', () => search(question))`,
    );
  }
  return wrapWith(recorder, work, { ...options, name });
}

/** What `withContext` says of the tasks within. */
export type TaskContext = Pick<TaskFields, 'sessionId' | 'userId' | 'versionId' | 'metadata'>;

const CONTEXT_NAMES = new Set<string>([
  'sessionId',
  'userId',
  'versionId',
  'metadata',
] satisfies (keyof TaskContext)[]);

export function checkContext(context: TaskContext, work: unknown): void {
  checkNames('withContext()', context, CONTEXT_NAMES, PhosphoArgumentError);
  if (typeof work === 'function') return;
  throw new PhosphoArgumentError(
    `withContext() takes a function to run, got ${work === null ? 'null' : typeof work}: withContext({ sessionId }, () => answer(question))`,
  );
}
