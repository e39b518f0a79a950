import * as z from 'zod';
import type { TestContent } from '../../types.ts';
import { test } from '../answers/others.ts';
import { assertProject } from '../http/authenticate.ts';
import { notFound } from '../http/http-error.ts';
import { jsonObject } from '../inputs/json.ts';
import { request } from '../openapi/registry.ts';
import { type KeyedCall, keyed, param, type Route } from './route.ts';

const creation = request(
  'TestCreation',
  z.object({ project_id: z.string(), summary: jsonObject.nullish() }),
);

const update = request(
  'TestUpdate',
  z.object({
    status: z
      .enum(['started', 'completed', 'canceled'])
      .nullish()
      .describe(
        '"completed" sets summary.overall_score: the mean over the test’s verdicts (success 1, else 0) and ' +
          'comparisons (new better 1, old better 0, else 0.5; an "Error" does not count)',
      ),
    summary: jsonObject.nullish().describe('Merged, key by key, into the present one'),
  }),
);

const ofOne = { path: '/tests/:test_id', tag: 'Tests', answer: test, errors: [404] } as const;

/** `/tests`: named runs of evaluations and comparisons. */
export const testRoutes: readonly Route[] = [
  keyed({
    method: 'POST',
    path: '/tests',
    scope: 'write',
    tag: 'Tests',
    summary: 'Start a test',
    body: creation,
    answer: test,
    example: { project_id: 'demo', summary: { prompt: 'v2' } },
    handle: createTest,
  }),
  keyed({ ...ofOne, method: 'GET', scope: 'read', summary: 'Read a test', handle: getTest }),
  keyed({
    ...ofOne,
    method: 'POST',
    scope: 'write',
    summary: 'Change a test, or end it',
    body: update,
    example: { status: 'completed' },
    handle: updateTest,
  }),
];

async function createTest({
  body,
  key,
  store,
}: KeyedCall<undefined, z.infer<typeof creation>>): Promise<TestContent> {
  assertProject(key, body.project_id);
  const createdBy = `api key ending in ${key.last4}`;
  return store.tests.create(key.projectId, createdBy, body.summary ?? {});
}

async function getTest(call: KeyedCall): Promise<TestContent> {
  const testId = param(call, 'test_id');
  const found = await call.store.tests.find(call.key.projectId, testId);
  if (found === undefined) throw notFound('Test', testId);
  return found;
}

async function updateTest(
  call: KeyedCall<undefined, z.infer<typeof update>>,
): Promise<TestContent> {
  const testId = param(call, 'test_id');
  const { status, summary } = call.body;
  const found = await call.store.tests.change(call.key.projectId, testId, {
    status: status ?? undefined,
    summary: summary ?? undefined,
  });
  if (found === undefined) throw notFound('Test', testId);
  return found;
}
