import type { JsonObject, TestContent, TestStatus } from '../types.ts';
import { readTest } from './answers.ts';
import type { Api } from './api.ts';
import { checkOneOf, pathSegment } from './arguments.ts';

/** A test to create. */
export interface TestCreation {
  summary?: JsonObject | undefined;
}

/** What of a test can be changed. */
export interface TestUpdate {
  /** `completed` also scores the test; `completed` and `canceled` end it. */
  status?: TestStatus | undefined;
  /** Its keys are merged into those that are there. */
  summary?: JsonObject | undefined;
}

const STATUSES: readonly TestStatus[] = ['started', 'completed', 'canceled'];

/** `POST /tests`. */
export async function createTest(api: Api, { summary }: TestCreation): Promise<TestContent> {
  return api.post('/tests', { project_id: api.projectId(), summary }, readTest);
}

/** `GET /tests/{test_id}`. */
export async function getTest(api: Api, testId: string): Promise<TestContent> {
  return api.get(testPath(testId), readTest);
}

/** `POST /tests/{test_id}`. */
export async function updateTest(
  api: Api,
  testId: string,
  changes: TestUpdate,
): Promise<TestContent> {
  const { summary } = changes;
  const status =
    changes.status === undefined ? undefined : checkOneOf('status', changes.status, STATUSES);
  return api.post(testPath(testId), { status, summary }, readTest);
}

function testPath(id: string): string {
  return `/tests/${pathSegment('the test id', id)}`;
}
