import type { Formats } from '../../capture/extract/index.ts';
import { type CallResult, extractCall } from '../../capture/extracted.ts';
import type { Recorder } from '../../capture/recorder.ts';
import type { OpenStep } from '../../capture/step.ts';
import type { OpenTask } from '../../capture/task.ts';
import type { CallOptions } from '../call-options.ts';
import { shown } from '../shown.ts';

/*
 * How a call ends that nobody can end any more, since its stream was garbage before it was read. What is made here is
 * held by a registry, as a root: were anything of it to reach the stream, by an argument of the call say, the stream
 * would never be garbage. Closures hold all that any closure of the same function uses: hence functions of their own.
 */

/** @param at when it was last heard of, as `performance.now()` has it */
export type LostEnd = (result: CallResult, at: number) => void;

/** @param input without any object of the app's */
export function lostTask(
  task: OpenTask,
  recorder: Recorder,
  input: unknown,
  options: CallOptions,
): LostEnd {
  return settling(new WeakRef(task), task.remains(), recorder, input, options);
}

function settling(
  whole: WeakRef<OpenTask>,
  remains: OpenTask,
  recorder: Recorder,
  input: unknown,
  options: CallOptions,
): LostEnd {
  return (result, at) => {
    const task = whole.deref() ?? remains;
    const kept = shown(recorder, task.formats, options, result);
    recorder.settle(task, {
      outcome: 'aborted',
      elapsedMs: Math.max(0, task.elapsedMs() - (performance.now() - at)),
      extract: () => extractCall(input, kept, task.formats),
    });
  };
}

/** A step that its task does not hold any more is of no use to anybody. */
export function lostStep(
  step: OpenStep,
  recorder: Recorder,
  formats: Formats,
  options: CallOptions,
): LostEnd {
  return ending(new WeakRef(step), recorder, formats, options);
}

function ending(
  step: WeakRef<OpenStep>,
  recorder: Recorder,
  formats: Formats,
  options: CallOptions,
): LostEnd {
  return (result) => step.deref()?.end('aborted', shown(recorder, formats, options, result));
}
