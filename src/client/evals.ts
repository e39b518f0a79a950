import type { Comparison } from '../types.ts';
import { readComparison } from './answers.ts';
import type { Api } from './api.ts';
import { checkOptionalId, checkText } from './arguments.ts';
import { TIMEOUTS } from './limits.ts';

/** What goes with a comparison. */
export interface CompareOptions {
  /** The test that the verdict counts for. Default: none. */
  testId?: string | undefined;
  /** What the judge should look at. Default: the server's criteria. */
  instructions?: string | undefined;
}

/** `POST /evals/compare`. */
export async function compare(
  api: Api,
  contextInput: string,
  oldOutput: string,
  newOutput: string,
  options: CompareOptions,
): Promise<Comparison> {
  const body = {
    context_input: checkText('contextInput', contextInput),
    old_output: checkText('oldOutput', oldOutput),
    new_output: checkText('newOutput', newOutput),
    instructions: options.instructions,
    test_id: checkOptionalId('testId', options.testId),
    project_id: api.projectId(),
  };
  const timeoutMs = api.atLeast(TIMEOUTS.compare);
  return api.post('/evals/compare', body, readComparison, { timeoutMs, pool: 'evals' });
}
