import { currentScope } from './capture/context.ts';
import { extractCall } from './capture/extracted.ts';
import type { Recorder } from './capture/recorder.ts';
import { snapshot } from './capture/snapshot.ts';
import { PhosphoArgumentError } from './errors.ts';
import type { JsonObject } from './types.ts';

/** A task to record by hand. */
export interface LogInput {
  /** What was asked: a text, a chat request, a list of messages, or anything else. */
  input: unknown;
  /** What was answered: a text, a completion, or anything else. Default: none. */
  output?: unknown;
  /** Default: a new one. */
  taskId?: string | undefined;
  /** Default: none; see `newSession()`. */
  sessionId?: string | undefined;
  userId?: string | undefined;
  versionId?: string | undefined;
  metadata?: JsonObject | undefined;
}

/** The ids of a task that has been recorded. */
export interface LoggedTask {
  taskId: string;
  sessionId: string | undefined;
}

/** @throws PhosphoArgumentError if there is no input. */
export function settleLogged(recorder: Recorder, logged: LogInput): LoggedTask {
  if (typeof logged !== 'object' || logged === null || logged.input === undefined) {
    throw new PhosphoArgumentError('log() takes an object with an input: log({ input, output })');
  }
  const { input, output, taskId, sessionId, userId, versionId, metadata } = logged;
  const outer = currentScope()?.task;
  const task = recorder.open({ taskId, parentTaskId: outer?.id, privacy: outer?.privacy });
  if (!recorder.isEnabled) {
    recorder.discard(task);
    return { taskId: task.id, sessionId };
  }
  task.set({ sessionId, userId, versionId, metadata });
  const [kept, answered] = [snapshot(input), snapshot(output)];
  recorder.settle(task, {
    outcome: 'complete',
    extract: () => extractCall(kept, { output: answered }, outer?.formats),
  });
  return { taskId: task.id, sessionId };
}
