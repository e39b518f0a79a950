import type { Formats } from '../capture/extract/index.ts';
import type { CallResult } from '../capture/extracted.ts';
import { plainItems } from '../capture/passed-bytes.ts';
import type { Recorder } from '../capture/recorder.ts';
import { snapshot } from '../capture/snapshot.ts';
import { callHook } from '../internal/hooks.ts';
import type { CallOptions } from './call-options.ts';

/** What of a result may be recorded, as it is now: its new owner may change it. */
export function shown(
  recorder: Recorder,
  formats: Formats,
  options: CallOptions,
  result: CallResult,
): CallResult {
  if (options.capture === false || options.capture === 'input') return {};
  const { output, items } = result;
  // A call that failed has no result to show to a hook.
  if (options.output === undefined || (items === undefined && !('output' in result))) {
    return { output: snapshot(output), items };
  }
  const given = items ? plainItems(items, formats) : output;
  return { output: snapshot(callHook(recorder.logger, 'output', options.output, given)) };
}
