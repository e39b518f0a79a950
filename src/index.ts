/** The contents page of `phospho-express`: every public name, and nothing else. */

export type { TokenOptions } from './app-tokens.ts';
export type {
  Format,
  RequestAbout,
  RequestParts,
  ResponseParts,
  StreamedParts,
  StreamReader,
} from './capture/extract/format.ts';
export type { Mask } from './capture/mask.ts';
export { maskRules } from './capture/mask-rules/index.ts';
export type { Capture } from './capture/privacy.ts';
export type { StreamEvent } from './capture/sse.ts';
export type { TaskFields } from './capture/task-fields.ts';
export { Client, type ClientOptions } from './client/index.ts';
export type { AnyFunction, CallOptions, ResultOf } from './decorators/call-options.ts';
export { type FittingDecorator, type LogTaskDecorator, logTask } from './decorators/log-task.ts';
export { type ObserveOptions, observe } from './decorators/observe/observe.ts';
export { wrap } from './decorators/wrap.ts';
export type {
  DropReason,
  EventResult,
  Exporter,
  QueuedEvent,
  QueuedFlag,
} from './delivery/exporter.ts';
export type { Compression } from './delivery/http-exporter.ts';
export type { DropCounts, EventLedger, FlagLedger, Ledger } from './delivery/ledger.ts';
export type { DeliveryHooks, DropInfo } from './delivery/observers.ts';
export type { SpoolStats, SpoolSync } from './delivery/spool/spool.ts';
export type { WaitUntilHook } from './delivery/wait-until.ts';
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
} from './errors.ts';
export type { FeedbackLimits, FeedbackOptions, RouterOptions } from './express/feedback-options.ts';
export type {
  AppRequest,
  AppResponse,
  Middleware,
  MiddlewareOptions,
  Next,
  PerRequest,
  RequestHandle,
} from './express/types.ts';
export type { Feedback } from './feedback/flag-request.ts';
export type { Logger, LogLevel } from './internal/logger.ts';
export type { LoggedTask, LogInput } from './log.ts';
export type {
  ManualTask,
  StartTaskOptions,
  StepOptions,
  TaskContext,
  TaskResult,
} from './manual-task.ts';
export type { MetricsHandler } from './metrics.ts';
export type { DeliveryOptions, PhosphoOptions, SpoolOptions } from './options.ts';
export { type DrainOptions, Phospho } from './phospho.ts';
export type * from './types.ts';
