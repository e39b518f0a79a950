import * as z from 'zod';
import type { TestContent } from '../../types.ts';
import { assertProject } from '../http/authenticate.ts';
import { notFound } from '../http/http-error.ts';
import { jsonObject } from '../inputs/json.ts';
import { readBody } from '../inputs/read.ts';
import { type KeyedCall, keyed, param, type Route } from './route.ts';

/** `/tests`: named runs of evaluations and comparisons. */
export const testRoutes: readonly Route[] = [
  keyed('POST', '/tests', createTest),
  keyed('GET', '/tests/:test_id', getTest),
  keyed('POST', '/tests/:test_id', updateTest),
];

const creation = z.object({ project_id: z.string(), summary: jsonObject.nullish() });

async function createTest({ body, key, store }: KeyedCall): Promise<TestContent> {
  const { project_id, summary } = readBody(creation, body);
  assertProject(key, project_id);
  return store.tests.create(key.projectId, `api key ending in ${key.last4}`, summary ?? {});
}

async function getTest(call: KeyedCall): Promise<TestContent> {
  const testId = param(call, 'test_id');
  const test = await call.store.tests.find(call.key.projectId, testId);
  if (test === undefined) throw notFound('Test', testId);
  return test;
}

const update = z.object({
  status: z.enum(['started', 'completed', 'canceled']).nullish(),
  summary: jsonObject.nullish(),
});

async function updateTest(call: KeyedCall): Promise<TestContent> {
  const testId = param(call, 'test_id');
  const { status, summary } = readBody(update, call.body);
  const test = await call.store.tests.change(call.key.projectId, testId, {
    status: status ?? undefined,
    summary: summary ?? undefined,
  });
  if (test === undefined) throw notFound('Test', testId);
  return test;
}
