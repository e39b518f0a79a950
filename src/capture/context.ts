import { AsyncLocalStorage } from 'node:async_hooks';
import { sharedSymbol } from '../internal/brand.ts';
import { writeContext } from './propagation.ts';
import type { Recorder } from './recorder.ts';
import type { OpenStep } from './step.ts';
import type { OpenTask } from './task.ts';
import { mergeFields, type TaskFields } from './task-fields.ts';

/** Where in a task the running code is. */
export interface Scope {
  readonly recorder: Recorder;
  readonly task: OpenTask;
  readonly step: OpenStep | undefined;
  /** What `withContext` has said within the task. */
  readonly ambient?: TaskFields | undefined;
}

/** What is known outside of any task. */
interface Surroundings {
  readonly task?: undefined;
  readonly ambient: TaskFields;
}

interface Shared {
  storage: AsyncLocalStorage<Scope | Surroundings>;
  /** The first Phospho constructed: what a bare `logTask` or `wrap` uses outside any task. */
  recorder: Recorder | undefined;
}

const KEY = sharedSymbol('context');

/** One context for both copies of the package: a task opened through ESM has steps made through CJS. */
function shared(): Shared {
  const registry = globalThis as { [key: symbol]: unknown };
  registry[KEY] ??= { storage: new AsyncLocalStorage(), recorder: undefined };
  return registry[KEY] as Shared;
}

const context = shared();

export function currentScope(): Scope | undefined {
  const here = context.storage.getStore();
  return here?.task === undefined ? undefined : here;
}

/** Scopes that the running code has on the stack. */
let onStack = 0;
/** Each takes a piece of the stack, of which code that recurses deeply needs all. */
const MAX_ON_STACK = 100;

/** What is called here must not be put in a scope of its own. */
export function isDeep(): boolean {
  return onStack >= MAX_ON_STACK;
}

export function runInScope<R>(scope: Scope, run: () => R): R {
  const span = scope.step === undefined ? scope.task.span : scope.step.span;
  onStack += 1;
  try {
    if (span === undefined) return context.storage.run(scope, run);
    return context.storage.run(scope, () => span.run(run));
  } finally {
    onStack -= 1;
  }
}

/** What it returns runs code as if it stood here: callbacks which the scope of a call would reach. */
export function keepScope(): <R>(run: () => R) => R {
  const here = context.storage.getStore();
  if (here?.task !== undefined) return (run) => runInScope(here, run);
  return (run) => context.storage.run(here as Surroundings, run);
}

/** What is said of every task that opens here, by `withContext` or by the request of another process. */
export function currentAmbient(): TaskFields | undefined {
  const here = context.storage.getStore();
  return here?.ambient ?? here?.task?.ambient;
}

/** What is said of a task that opens within another: it belongs to the same session and user. */
export function inherited({ task, ambient }: Scope): TaskFields {
  const { sessionId, userId } = task.known();
  return mergeFields(mergeFields({ ...task.ambient }, { sessionId, userId }), ambient ?? {});
}

/** Runs with more said of every task that opens within, and of the one that is open. */
export function runWithAmbient<R>(fields: TaskFields, run: () => R): R {
  const scope = currentScope();
  if (scope === undefined) {
    return context.storage.run({ ambient: mergeFields({ ...currentAmbient() }, fields) }, run);
  }
  const { task } = scope;
  if (!task.isSettled) task.ambient = mergeFields({ ...task.ambient }, fields);
  // Only what is said within it may overrule what the task says of itself, for the tasks within.
  const ambient = mergeFields({ ...scope.ambient }, fields);
  return context.storage.run({ ...scope, ambient }, run);
}

/** What another process needs to know of where the running code is. */
export function contextHere(): string | undefined {
  const here = context.storage.getStore();
  return here && writeContext(here.task, here.ambient);
}

export function defaultRecorder(): Recorder | undefined {
  return context.recorder;
}

/** The first one stays, until it is shut down. */
export function offerDefaultRecorder(recorder: Recorder): void {
  context.recorder ??= recorder;
}

export function retireDefaultRecorder(recorder: Recorder): void {
  if (context.recorder === recorder) context.recorder = undefined;
}
