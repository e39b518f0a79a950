import * as z from 'zod';
import type { Comparison } from '../../types.ts';
import { comparison } from '../answers/others.ts';
import { assertProject } from '../http/authenticate.ts';
import { HttpError, notFound } from '../http/http-error.ts';
import type { Judge } from '../judge/judge.ts';
import { request } from '../openapi/registry.ts';
import { type Context, type KeyedCall, keyed, type Route } from './route.ts';

const body = request(
  'ComparisonBody',
  z.object({
    project_id: z.string(),
    context_input: z.string().describe('What both answers were given to'),
    old_output: z.string(),
    new_output: z.string(),
    instructions: z
      .string()
      .nullish()
      .describe('What the judge should look at. Default: correctness, use, clarity'),
    test_id: z.string().nullish().describe('The test that the verdict counts for'),
  }),
);

/** `POST /evals/compare` asks a model which of two answers is better. */
export const compareRoutes: readonly Route[] = [
  keyed({
    method: 'POST',
    path: '/evals/compare',
    scope: 'write',
    tag: 'Judge',
    summary: 'Let a model say which of two answers is better',
    description:
      'It is asked twice, with the answers swapped; a verdict that changes with the order is "Same quality". ' +
      'What could not be judged is an "Error", with its reason, and counts for no test. 501 where no judge is configured.',
    body,
    answer: comparison,
    errors: [404, 501],
    example: {
      project_id: 'demo',
      context_input: 'How do I mend a flat tyre?',
      old_output: 'Buy a new one.',
      new_output: 'Take the tube out, find the hole, glue a patch on it.',
    },
    assertReady: judgeOf,
    handle: compare,
  }),
];

/** @throws HttpError 501 where none is configured */
function judgeOf({ judge }: Pick<Context, 'judge'>): Judge {
  if (judge !== undefined) return judge;
  throw new HttpError(
    501,
    'No judge is configured. Comparisons ask an OpenAI-compatible API: set PHOSPHO_JUDGE_BASE_URL and ' +
      'PHOSPHO_JUDGE_MODEL where the collector runs, and PHOSPHO_JUDGE_API_KEY if it takes one.',
  );
}

async function compare(call: KeyedCall<undefined, z.infer<typeof body>>): Promise<Comparison> {
  const { key, store, gone, meter } = call;
  const judge = judgeOf(call);
  const { project_id, context_input, old_output, new_output } = call.body;
  const instructions = call.body.instructions ?? null;
  const testId = call.body.test_id ?? null;
  assertProject(key, project_id);
  if (testId !== null && (await store.tests.find(key.projectId, testId)) === undefined)
    throw notFound('Test', testId);
  const { result, reason } = await judge.compare(
    {
      contextInput: context_input,
      oldOutput: old_output,
      newOutput: new_output,
      instructions,
    },
    gone,
  );
  meter.comparison(result);
  return store.comparisons.add(key.projectId, {
    testId,
    instructions,
    contextInput: context_input,
    oldOutput: old_output,
    newOutput: new_output,
    result,
    source: judge.model,
    reason,
  });
}
