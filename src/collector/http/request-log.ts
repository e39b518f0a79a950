import { Console } from 'node:console';
import { callHook } from '../../internal/hooks.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import type { RequestLogEntry } from './observe.ts';

/** What is told of each request, if anything: the function that was given, or one that writes JSON lines. */
export function requestLogOf(
  option: boolean | ((entry: RequestLogEntry) => void),
  logger: GuardedLogger,
): ((entry: RequestLogEntry) => void) | undefined {
  if (option === false) return undefined;
  if (typeof option === 'function') return (entry) => callHook(logger, 'requestLog', option, entry);
  return jsonLines();
}

/** Writes objects to the standard output, each as a line of JSON. */
export function jsonLines(): (entry: object) => void {
  // A console ignores that nobody reads its output any more, which would else be an error that ends the process.
  const output = new Console({ stdout: process.stdout, stderr: process.stderr });
  return (entry) => output.log(JSON.stringify(entry));
}
