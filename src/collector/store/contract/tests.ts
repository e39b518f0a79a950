import type {
  Comparison,
  ComparisonResult,
  Eval,
  JsonObject,
  TestContent,
  TestStatus,
} from '../../../types.ts';

export interface TestChange {
  status?: TestStatus | undefined;
  /** Merged, key by key, into the present one. */
  summary?: JsonObject | undefined;
}

export interface TestStore {
  create(projectId: string, createdBy: string, summary: JsonObject): Promise<TestContent>;
  find(projectId: string, testId: string): Promise<TestContent | undefined>;
  change(projectId: string, testId: string, change: TestChange): Promise<TestContent | undefined>;
}

/** A judge's finding as it is first stored. */
export interface NewComparison {
  testId: string | null;
  instructions: string | null;
  contextInput: string;
  oldOutput: string;
  newOutput: string;
  result: ComparisonResult;
  source: string;
  reason: string | null;
}

export interface ComparisonStore {
  add(projectId: string, comparison: NewComparison): Promise<Comparison>;
}

/** What counts for a test's score. */
export interface Scored {
  evals: readonly Pick<Eval, 'value'>[];
  comparisons: readonly Pick<Comparison, 'comparison_result'>[];
}
