import { PhosphoArgumentError } from '../errors.ts';
import type { JsonObject } from '../types.ts';
import type { AnyFunction, ResultOf } from './result-of.ts';

export type { AnyFunction, ResultOf } from './result-of.ts';

/**
 * What to record of a call. Hooks are functions of the call's arguments; one that throws is said once and
 * changes nothing for the caller.
 */
export interface CallOptions<F extends AnyFunction = AnyFunction> {
  /** Name of the task or step. Default: the function's, with its class where there is one. */
  name?: string;
  /** What counts as the input. Default: the arguments. */
  input?: (...args: Parameters<F>) => unknown;
  /** What counts as the output; called once the result is there, not where there is none. Default: the result. */
  output?: (result: ResultOf<F>) => unknown;
  sessionId?: (...args: Parameters<F>) => string | undefined;
  userId?: (...args: Parameters<F>) => string | undefined;
  metadata?: (...args: Parameters<F>) => JsonObject | undefined;
  /**
   * `task`: a task of its own (with `parent_task_id`) even inside another one.
   * Default: a step of the open task, or a task where none is open.
   */
  as?: 'task';
  /**
   * Which side to record; `false`: only that it happened; `metadata`: model, tokens and the error's name too,
   * but no text of it or of what is within. Default: both.
   */
  capture?: false | 'input' | 'output' | 'metadata';
}

const NAMES = new Set<string>([
  'name',
  'input',
  'output',
  'sessionId',
  'userId',
  'metadata',
  'as',
  'capture',
] satisfies (keyof CallOptions)[]);

/** Throws a PhosphoArgumentError for an option that there is none of: a typo would record something else. */
export function checkCallOptions(options: CallOptions<never>): void {
  if (typeof options !== 'object' || options === null) {
    throw new PhosphoArgumentError(
      `options of wrap, observe and @logTask must be an object, got ${options === null ? 'null' : typeof options}`,
    );
  }
  const unknown = Object.keys(options).find((name) => !NAMES.has(name));
  if (unknown === undefined) {
    checkCapture(options.capture);
    return;
  }
  throw new PhosphoArgumentError(
    `wrap, observe and @logTask have no option "${unknown}"; they take: ${[...NAMES].join(', ')}`,
  );
}

function checkCapture(capture: unknown): void {
  if (capture === undefined || capture === false) return;
  if (capture === 'input' || capture === 'output' || capture === 'metadata') return;
  throw new PhosphoArgumentError(
    `option capture of wrap, observe and @logTask must be false, "input", "output" or "metadata", got ${String(capture)}`,
  );
}
