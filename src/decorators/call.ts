import {
  currentScope,
  defaultRecorder,
  inherited,
  isDeep,
  runInScope,
  type Scope,
} from '../capture/context.ts';
import { type CallResult, extractCall } from '../capture/extracted.ts';
import { outline } from '../capture/outline.ts';
import type { Privacy } from '../capture/privacy.ts';
import type { Recorder } from '../capture/recorder.ts';
import { round } from '../capture/round.ts';
import { snapshot } from '../capture/snapshot.ts';
import type { OpenTask } from '../capture/task.ts';
import { callHook, describeError } from '../internal/hooks.ts';
import type { Outcome } from '../types.ts';
import type { AnyFunction, CallOptions } from './call-options.ts';
import { type LostEnd, lostStep, lostTask } from './results/lost.ts';
import { shown } from './shown.ts';

/** What is known of a wrapped function before it is called. */
export interface CallSite {
  /** Undefined: whichever is there when the function is called. */
  readonly recorder: Recorder | undefined;
  readonly options: CallOptions;
  /** By it a model is asked, mostly in another process. */
  readonly isModelCall?: boolean;
  nameFor(self: unknown, args: readonly unknown[]): string;
}

/** A call that is about to be made. */
interface Opening {
  readonly site: CallSite;
  readonly name: string;
  readonly input: unknown;
  readonly args: unknown[];
}

/** A call under way: the scope that its code runs in, and its one end. */
export interface OpenCall {
  readonly scope: Scope;
  /** The first item of a stream is there. */
  firstItem(): void;
  end(outcome: Outcome, result: CallResult & { error?: unknown }): void;
  /** What ends it, once nobody is left who could; it holds no object of the app's. */
  lost(): LostEnd;
}

/**
 * Opens a step of the running task, or a task. Undefined where nothing is to be recorded: no Phospho, it
 * is off, or something of ours failed.
 */
export function openCall(site: CallSite, self: unknown, args: unknown[]): OpenCall | undefined {
  const scope = currentScope();
  const used = site.recorder ?? scope?.recorder ?? defaultRecorder();
  if (used === undefined || !used.isEnabled) return undefined;
  const { options } = site;
  try {
    const isInside = scope !== undefined && !scope.task.isSettled && scope.recorder === used;
    const isStep = isInside && options.as !== 'task';
    if (isStep && isDeep()) {
      scope.task.leaveOutStep();
      return undefined;
    }
    const name = site.nameFor(self, args);
    const opening: Opening = { site, name, input: inputOf(used, options, args), args };
    const call = isStep ? openStep(scope, opening) : openTask(used, scope, opening);
    return call && guarded(call, used);
  } catch (error) {
    complain(used, error);
    return undefined;
  }
}

/** Its end comes between the function's result and its caller: nothing of ours may throw there. */
function guarded(call: OpenCall, recorder: Recorder): OpenCall {
  const guard = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      complain(recorder, error);
    }
  };
  let isOver = false;
  return {
    scope: call.scope,
    firstItem: () => guard(() => call.firstItem()),
    lost: () => {
      let end: LostEnd | undefined;
      guard(() => {
        end = call.lost();
      });
      return end ?? (() => {});
    },
    end: (outcome, result) => {
      if (isOver) return;
      isOver = true;
      guard(() => call.end(outcome, result));
    },
  };
}

function complain(recorder: Recorder, error: unknown): void {
  recorder.logger.once('call', 'error', `a call is not recorded: ${describeError(error)}`);
}

function openStep(outer: Scope, { site, name, input, args }: Opening): OpenCall | undefined {
  const { options } = site;
  const { logger } = outer.recorder;
  const { sessionId, userId } = options;
  if (sessionId !== undefined || userId !== undefined) {
    outer.task.suggest({
      sessionId: callHook(logger, 'sessionId', sessionId, ...args),
      userId: callHook(logger, 'userId', userId, ...args),
    });
  }
  const step = outer.task.openStep(name, input, outer.step, {
    hidesTexts: options.capture === 'metadata',
    isModelCall: site.isModelCall === true,
  });
  if (step === undefined) return undefined;
  step.metadata = callHook(logger, 'metadata', options.metadata, ...args);
  return {
    scope: { ...outer, step },
    firstItem: () => {},
    end: (outcome, result) =>
      step.end(outcome, {
        ...shown(outer.recorder, outer.task.formats, options, result),
        error: result.error,
      }),
    lost: () => lostStep(step, outer.recorder, outer.task.formats, options),
  };
}

function openTask(
  recorder: Recorder,
  outer: Scope | undefined,
  { site, name, input, args }: Opening,
): OpenCall {
  const { logger } = recorder;
  const { options } = site;
  const task = recorder.open({
    parentTaskId: outer?.task.id,
    privacy: privacyOf(outer?.task, options),
    spanName: name,
    isModelCall: site.isModelCall,
  });
  if (outer !== undefined) {
    task.formats = outer.task.formats;
    task.ambient = inherited(outer);
  }
  task.set({ metadata: { name } });
  task.set({
    sessionId: callHook(logger, 'sessionId', options.sessionId, ...args),
    userId: callHook(logger, 'userId', options.userId, ...args),
    metadata: callHook(logger, 'metadata', options.metadata, ...args),
  });
  return {
    scope: { recorder, task, step: undefined },
    firstItem: () => {
      const metadata = { time_to_first_token_ms: round(task.elapsedMs()), streamed: true };
      task.set({ metadata });
    },
    end: (outcome, result) => {
      const kept = shown(recorder, task.formats, options, result);
      recorder.settle(task, {
        outcome,
        error: result.error,
        extract: () => extractCall(input, kept, task.formats),
      });
    },
    lost: () => lostTask(task, recorder, outline(input), options),
  };
}

/** A task within a task is as private. */
function privacyOf(outer: OpenTask | undefined, { capture }: CallOptions): Privacy | undefined {
  if (capture !== 'metadata') return outer?.privacy;
  return { masks: outer?.privacy.masks ?? [], capture };
}

/** Arguments as phospho logs them: `{ "0": …, "1": … }`. */
function inputOf(recorder: Recorder, options: CallOptions, args: unknown[]): unknown {
  if (options.capture === false || options.capture === 'output') return undefined;
  if (options.input) return snapshot(callHook(recorder.logger, 'input', options.input, ...args));
  if (args.length === 0) return undefined;
  return Object.fromEntries(args.map((arg, index) => [String(index), snapshot(arg)]));
}

/** Sees a result to its end, and gives what its caller is to have. */
export type Follow = (result: unknown, call: OpenCall) => unknown;

/** Runs the function once, in the scope of its call. */
export function callRecorded(
  follow: Follow,
  call: OpenCall,
  fn: AnyFunction,
  self: unknown,
  args: unknown[],
): unknown {
  let result: unknown;
  try {
    result = runInScope(call.scope, () => Reflect.apply(fn, self, args));
  } catch (error) {
    call.end('error', { error });
    throw error;
  }
  return follow(result, call);
}
