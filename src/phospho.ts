import { offerDefaultRecorder, retireDefaultRecorder } from './capture/context.ts';
import { maskCredentials } from './capture/mask.ts';
import { Recorder } from './capture/recorder.ts';
import { Client } from './client/client.ts';
import type { AnyFunction, CallOptions } from './decorators/options.ts';
import { wrapWith } from './decorators/wrap.ts';
import { BatchDelivery } from './delivery/delivery.ts';
import { HttpExporter } from './delivery/http-exporter.ts';
import type { Ledger } from './delivery/ledger.ts';
import { Observers } from './delivery/observers.ts';
import { PhosphoArgumentError, PhosphoConfigError } from './errors.ts';
import { createFeedbackRouter, type RouterOptions } from './express/feedback-router.ts';
import { createMiddleware } from './express/middleware.ts';
import type { Middleware, MiddlewareOptions } from './express/types.ts';
import { DEFAULT_TOKEN_LIFE_MS, FeedbackTokens, MIN_SECRET_LENGTH } from './feedback/token.ts';
import { newSessionId, newTaskId } from './internal/ids.ts';
import { GuardedLogger } from './internal/logger.ts';
import { type LoggedTask, type LogInput, settleLogged } from './log.ts';
import {
  checkOptions,
  fromEnvironment,
  isSet,
  type PhosphoOptions,
  resolveDelivery,
  resolveLogLevel,
  resolveSecrets,
} from './options.ts';
import type { Flag, FlagSource } from './types.ts';

/** Limits of `flush` and `shutdown`. */
export interface DrainOptions {
  /** Milliseconds; 0 to a day. */
  timeoutMs?: number;
}

/** Milliseconds that `flush()` waits: longer than an attempt and a retry. */
const FLUSH_TIMEOUT_MS = 30_000;
/** Milliseconds that `shutdown()` takes: half of what Kubernetes and Docker allow before they kill. */
const SHUTDOWN_TIMEOUT_MS = 5_000;

/**
 * Everything in one place: what a process captures, how it is delivered, and the doors to both.
 * Constructing it opens nothing, loads nothing and starts no timer.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { Phospho } from 'phospho-express';
 *
 * const phospho = new Phospho();
 * const app = express();
 * app.use(phospho.router());
 * app.use(phospho.middleware());
 * app.use(express.json());
 * ```
 */
export class Phospho {
  /** phospho's API, for direct calls. */
  readonly client: Client;
  /** Whether anything is captured at all: `enabled`, else `PHOSPHO_DISABLED` as it was at construction. */
  readonly isEnabled: boolean;
  readonly #options: PhosphoOptions;
  readonly #logger: GuardedLogger;
  readonly #delivery: BatchDelivery;
  readonly #recorder: Recorder;
  readonly #secrets: readonly string[];
  #tokens: FeedbackTokens | undefined;

  /** @throws PhosphoConfigError for an option that is unknown or out of its range. */
  constructor(options: PhosphoOptions = {}) {
    checkOptions(options);
    this.#options = options;
    this.isEnabled = options.enabled ?? !isSet('PHOSPHO_DISABLED');
    this.#secrets = resolveSecrets(options.feedback);
    const { apiKey, projectId, baseUrl, dispatcher, allowInsecureHttp } = options;
    this.client = new Client({
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(projectId === undefined ? {} : { projectId }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
      ...(allowInsecureHttp === undefined ? {} : { allowInsecureHttp }),
    });
    this.#logger = new GuardedLogger(options.logger ?? console, resolveLogLevel(options.logLevel));
    this.#delivery = new BatchDelivery(
      resolveDelivery(options.delivery),
      options.exporter ?? new HttpExporter(this.client),
      new Observers(options, this.#logger),
    );
    this.#recorder = new Recorder({
      delivery: this.#delivery,
      logger: this.#logger,
      mask: options.mask,
      isEnabled: this.isEnabled,
      defaults: {
        environment: options.environment ?? fromEnvironment('PHOSPHO_ENVIRONMENT'),
        versionId: options.versionId,
        testId: () => fromEnvironment('PHOSPHO_TEST_ID'),
      },
    });
    offerDefaultRecorder(this.#recorder);
  }

  /**
   * Captures what passes through the app: each exchange with a model becomes a task. Mount it before body
   * parsers and before `compression`. It changes nothing but the two headers of `publish`.
   *
   * @throws PhosphoConfigError for an option that is unknown or out of its range.
   */
  middleware(options: MiddlewareOptions = {}): Middleware {
    return createMiddleware(
      {
        recorder: this.#recorder,
        feedbackToken: (taskId) => this.feedbackToken(taskId),
        isReady: () => this.#delivery.isConfigured(),
      },
      options,
    );
  }

  /**
   * Serves `POST /phospho/flag`, by which end users flag tasks, and `GET /phospho/widget.js`, the code of
   * `<phospho-feedback>`. Mount it before body parsers.
   */
  router(options: RouterOptions = {}): Middleware {
    return createFeedbackRouter(
      {
        logger: this.#logger,
        options: this.#options.feedback ?? {},
        tokens: () => this.#feedbackTokens(),
        isReady: () => this.isEnabled && this.#delivery.isConfigured(),
        knows: (taskId) => this.#delivery.stateOf(taskId) !== undefined,
        submit: ({ taskId, flag, notes }) => this.flag(taskId, flag, { notes }),
      },
      options,
    );
  }

  /** The function `wrap`, bound to this Phospho. */
  wrap<F extends AnyFunction>(fn: F, options: CallOptions<F> = {}): F {
    return wrapWith(this.#recorder, fn, options);
  }

  /**
   * Records a task by hand. Returns its ids at once; delivery follows. Invents a task id where none is
   * given, but never a session.
   */
  log(task: LogInput): LoggedTask {
    return settleLogged(this.#recorder, task);
  }

  /**
   * Flags a task; queued, and sent once its task has been delivered. The last flag of a task wins.
   *
   * @throws PhosphoArgumentError for a flag other than success or failure, or an empty task id.
   */
  flag(
    taskId: string,
    flag: Flag,
    { source = 'user', notes }: { source?: FlagSource; notes?: string | undefined } = {},
  ): void {
    if (flag !== 'success' && flag !== 'failure') {
      throw new PhosphoArgumentError(
        `flag must be "success" or "failure", got ${JSON.stringify(flag)}`,
      );
    }
    if (typeof taskId !== 'string' || taskId === '') {
      throw new PhosphoArgumentError(
        `taskId must be a non-empty string, got ${JSON.stringify(taskId)}`,
      );
    }
    if (this.isEnabled)
      this.#delivery.flag({ taskId, flag, source, notes: this.#maskNotes(notes) });
  }

  /**
   * A token that lets its holder flag one task, for pages that show answers of the past.
   *
   * @throws PhosphoArgumentError if `expiresInMs` is not between a second and a year.
   */
  feedbackToken(
    taskId: string,
    { expiresInMs = DEFAULT_TOKEN_LIFE_MS }: { expiresInMs?: number } = {},
  ): string {
    if (!(expiresInMs >= 1_000 && expiresInMs <= 366 * 86_400_000)) {
      throw new PhosphoArgumentError(
        `expiresInMs must be from 1000 to ${366 * 86_400_000} milliseconds, got ${String(expiresInMs)}`,
      );
    }
    return this.#feedbackTokens().sign(taskId, { expiresInMs });
  }

  /** A new session id; nothing is sent. */
  newSession(): string {
    return newSessionId();
  }

  /** A new task id, for `log({ taskId })`; nothing is sent. */
  newTask(): string {
    return newTaskId();
  }

  /** Where every task and flag of this process is. */
  stats(): Ledger {
    return this.#delivery.stats();
  }

  /**
   * Resolves once all that had settled has been accepted, dropped or dead-lettered, or when the time is
   * up; the ledger tells which. Never rejects. Default: 30 s.
   */
  flush(options: DrainOptions = {}): Promise<Ledger> {
    return this.#delivery.flush({ timeoutMs: timeoutOf(options, FLUSH_TIMEOUT_MS) });
  }

  /**
   * Flushes and stops; what is left when the time is up is dropped and counted. May be called more than
   * once, never rejects. Default: 5 s.
   */
  shutdown(options: DrainOptions = {}): Promise<Ledger> {
    retireDefaultRecorder(this.#recorder);
    return this.#delivery.shutdown({ timeoutMs: timeoutOf(options, SHUTDOWN_TIMEOUT_MS) });
  }

  /** Worked out with the first token: a key that appears after start-up still counts. */
  #feedbackTokens(): FeedbackTokens {
    if (this.#tokens) return this.#tokens;
    if (this.#secrets.length > 0) {
      this.#tokens = new FeedbackTokens(this.#secrets);
      return this.#tokens;
    }
    const key = this.client.config.findApiKey();
    if (key !== undefined && key.length >= MIN_SECRET_LENGTH) {
      this.#tokens = new FeedbackTokens([key]);
      return this.#tokens;
    }
    this.#logger.once(
      'secret',
      'warn',
      `PHOSPHO_FEEDBACK_SECRET is not set and the API key has fewer than ${MIN_SECRET_LENGTH} characters, so feedback tokens are signed with a random secret: they end with this process, and no other replica takes them. Set PHOSPHO_FEEDBACK_SECRET to at least ${MIN_SECRET_LENGTH} characters`,
    );
    this.#tokens = new FeedbackTokens([FeedbackTokens.randomSecret()]);
    return this.#tokens;
  }

  /** A note goes through the same masks as every other text; if the mask fails, it stays here. */
  #maskNotes(notes: string | undefined): string | undefined {
    if (notes === undefined) return undefined;
    try {
      const masked: unknown = this.#options.mask ? this.#options.mask(notes) : notes;
      if (typeof masked === 'string') return maskCredentials(masked);
      throw new PhosphoConfigError('a mask must return a string');
    } catch (error) {
      this.#logger.once(
        'mask',
        'warn',
        `the mask failed, so a note was not sent: ${String(error)}`,
      );
      return undefined;
    }
  }
}

/** Neither `flush` nor `shutdown` may throw: what is no finite number counts as no time at all. */
function timeoutOf(options: DrainOptions | null, standard: number): number {
  const timeoutMs = options?.timeoutMs ?? standard;
  return Number.isFinite(timeoutMs) ? Math.min(Math.max(timeoutMs, 0), 86_400_000) : 0;
}
