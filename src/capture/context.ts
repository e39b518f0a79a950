import { AsyncLocalStorage } from 'node:async_hooks';
import { sharedSymbol } from '../internal/brand.ts';
import type { Recorder } from './recorder.ts';
import type { OpenStep, OpenTask } from './task.ts';

/** Where in a task the running code is. */
export interface Scope {
  readonly recorder: Recorder;
  readonly task: OpenTask;
  readonly step: OpenStep | undefined;
}

interface Shared {
  storage: AsyncLocalStorage<Scope>;
  /** The first Phospho constructed: what a bare `logTask` or `wrap` uses outside any task. */
  recorder: Recorder | undefined;
}

const KEY = sharedSymbol('context');

/** One context for both copies of the package: a task opened through ESM has steps made through CJS. */
function shared(): Shared {
  const registry = globalThis as { [key: symbol]: unknown };
  registry[KEY] ??= { storage: new AsyncLocalStorage<Scope>(), recorder: undefined };
  return registry[KEY] as Shared;
}

const context = shared();

export function currentScope(): Scope | undefined {
  return context.storage.getStore();
}

export function runInScope<R>(scope: Scope, run: () => R): R {
  return context.storage.run(scope, run);
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
