export {
  PhosphoAnswerError,
  PhosphoArgumentError,
  PhosphoClientError,
  PhosphoConfigError,
  PhosphoConnectionError,
  PhosphoError,
  PhosphoRequestError,
  PhosphoServerError,
  PhosphoTimeoutError,
} from '../errors.ts';
export type {
  Comparison,
  ComparisonResult,
  Eval,
  Flag,
  FlagSource,
  FlattenedTask,
  JsonObject,
  LogEvent,
  LoggedEvent,
  Outcome,
  ProjectContent,
  ProjectDataFilters,
  SessionContent,
  Step,
  TaskContent,
  TestContent,
  TestStatus,
} from '../types.ts';
export { Client } from './client.ts';
export type { ClientOptions } from './config.ts';
export type { CompareOptions } from './evals.ts';
export { Listing } from './listing.ts';
export { type ListOptions, Session, type SessionUpdate } from './session.ts';
export type { SessionCollection, SessionCreation } from './sessions.ts';
export { type FlagOptions, Task, type TaskUpdate } from './task.ts';
export type {
  FlatTaskListOptions,
  FlatTaskUpdate,
  TaskCollection,
  TaskCreation,
  TaskListOptions,
} from './tasks.ts';
export type { TestCreation, TestUpdate } from './test-runs.ts';
