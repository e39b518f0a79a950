import type { Server } from 'node:net';
import { AppTokens, checkTaskId, type TokenOptions } from './app-tokens.ts';
import { shortenedJson } from './capture/build-event.ts';
import {
  contextHere,
  offerDefaultRecorder,
  retireDefaultRecorder,
  runInScope,
  runWithAmbient,
} from './capture/context.ts';
import { maskAll, maskCredentials } from './capture/mask.ts';
import type { Privacy } from './capture/privacy.ts';
import { resolvePrivacy } from './capture/privacy-options.ts';
import { CONTEXT_HEADER } from './capture/propagation.ts';
import { Recorder } from './capture/recorder.ts';
import { errorName } from './capture/without-texts.ts';
import { Client } from './client/client.ts';
import type { AnyFunction, CallOptions } from './decorators/call-options.ts';
import { type ObserveOptions, observeWith } from './decorators/observe/observe.ts';
import { wrapWith } from './decorators/wrap.ts';
import { BatchDelivery } from './delivery/delivery.ts';
import { givenCopies } from './delivery/given-copies.ts';
import { HttpExporter } from './delivery/http-exporter.ts';
import type { Ledger } from './delivery/ledger.ts';
import { Observers } from './delivery/observers.ts';
import { WaitUntil, type WaitUntilHook } from './delivery/wait-until.ts';
import { PhosphoArgumentError } from './errors.ts';
import type { RouterOptions } from './express/feedback-options.ts';
import { createFeedbackRouter } from './express/feedback-router.ts';
import { LateAnswers } from './express/late-answers.ts';
import { createMiddleware } from './express/middleware.ts';
import type { Middleware, MiddlewareOptions } from './express/types.ts';
import { GracefulShutdown } from './graceful-shutdown.ts';
import { appVersion } from './internal/app-version.ts';
import { onBeforeExit, onExit } from './internal/exit.ts';
import { newSessionId, newTaskId } from './internal/ids.ts';
import { GuardedLogger } from './internal/logger.ts';
import { Outside } from './internal/outside.ts';
import { onSignal } from './internal/signals.ts';
import { type LoggedTask, type LogInput, settleLogged } from './log.ts';
import {
  checkContext,
  type ManualTask,
  type StartTaskOptions,
  type StepOptions,
  startTask,
  stepOf,
  type TaskContext,
} from './manual-task.ts';
import { createMetricsHandler, type MetricsHandler } from './metrics.ts';
import {
  checkOptions,
  fromEnvironment,
  isSet,
  type PhosphoOptions,
  resolveCompression,
  resolveDelivery,
  resolveLogLevel,
  resolveSecrets,
} from './options.ts';
import { OpenTelemetryTracing } from './otel/tracing.ts';
import type { Flag, FlagSource } from './types.ts';

/** Limits of `flush`, `shutdown` and `gracefulShutdown`. */
export interface DrainOptions {
  /** Milliseconds; 0 to a day. */
  timeoutMs?: number;
}

/** Milliseconds that `flush()` waits: longer than an attempt and a retry. */
const FLUSH_TIMEOUT_MS = 30_000;
/** Milliseconds that `shutdown()` takes: half of what Kubernetes and Docker allow before they kill. */
const SHUTDOWN_TIMEOUT_MS = 5_000;
/** Milliseconds that `gracefulShutdown()` takes: Kubernetes kills after 30 s, and the app may have more to close. */
const GRACEFUL_TIMEOUT_MS = 25_000;

/**
 * Everything in one place: what a process captures, how it is delivered, and the doors to both.
 * Constructing it opens nothing, loads nothing and starts no timer; with a spool alone it looks for what
 * earlier processes have left there, now and every 10 s, and keeps no process alive by that.
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
  readonly #privacy: Privacy;
  readonly #delivery: BatchDelivery;
  readonly #recorder: Recorder;
  readonly #waitUntil: WaitUntil | undefined;
  readonly #graceful: GracefulShutdown;
  /** A flush that begins in some request must not tie the sockets it opens to that request's context. */
  readonly #outside = new Outside('phospho-express.flush');
  #offSignals: (() => void) | undefined;
  readonly #offExit: () => void = () => {};
  readonly #offBeforeExit: () => void;
  readonly #lateAnswers = new LateAnswers();
  readonly #tokens: AppTokens;

  /** @throws PhosphoConfigError for an option that is unknown or out of its range. */
  constructor(options: PhosphoOptions = {}) {
    checkOptions(options);
    this.#options = options;
    this.#privacy = resolvePrivacy('option', options);
    this.isEnabled = options.enabled ?? !isSet('PHOSPHO_DISABLED');
    const { apiKey, projectId, baseUrl, dispatcher, allowInsecureHttp } = options;
    this.client = new Client({
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(projectId === undefined ? {} : { projectId }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
      ...(allowInsecureHttp === undefined ? {} : { allowInsecureHttp }),
    });
    this.#logger = new GuardedLogger(options.logger ?? console, resolveLogLevel(options.logLevel));
    this.#tokens = new AppTokens({
      logger: this.#logger,
      secrets: resolveSecrets(options.feedback),
      bind: options.feedback?.bind,
      findApiKey: () => this.client.config.findApiKey(),
    });
    // Before delivery's own: what is settled here is then delivered.
    this.#offBeforeExit = onBeforeExit(() => this.#lateAnswers.settleAll());
    const settings = resolveDelivery(options.delivery, this.isEnabled ? options.spool : false);
    this.#delivery = new BatchDelivery(
      settings,
      options.exporter
        ? givenCopies(options.exporter)
        : new HttpExporter(this.client, resolveCompression(options.delivery)),
      new Observers(options, this.#logger),
      { shorten: shortenedJson },
    );
    this.#waitUntil = options.waitUntil && this.#createWaitUntil(options.waitUntil);
    this.#recorder = new Recorder({
      delivery: this.#delivery,
      logger: this.#logger,
      privacy: this.#privacy,
      isEnabled: this.isEnabled,
      tracing: options.openTelemetry === false ? undefined : new OpenTelemetryTracing(this.#logger),
      onSettled: this.#waitUntil && (() => this.#waitUntil?.announce()),
      defaults: {
        environment: options.environment ?? fromEnvironment('PHOSPHO_ENVIRONMENT'),
        versionId: () => options.versionId ?? appVersion(),
        testId: () => fromEnvironment('PHOSPHO_TEST_ID'),
      },
    });
    this.#graceful = new GracefulShutdown({
      logger: this.#logger,
      shutdown: (timeoutMs) => this.shutdown({ timeoutMs }),
      stats: () => this.stats(),
    });
    offerDefaultRecorder(this.#recorder);
    if (options.handleSignals && this.isEnabled) {
      this.#offSignals = onSignal((isShared) => this.#onSignal(isShared));
    }
    if (settings.spool === undefined) return;
    this.#offExit = onExit(() => {
      this.#lateAnswers.settleAll();
      this.#recorder.finish();
      this.#delivery.abandon();
    });
  }

  /**
   * Captures what passes through the app: each exchange with a model becomes a task. Mount it before body
   * parsers and before `compression`. It changes nothing but the headers of `publish`.
   *
   * @throws PhosphoConfigError for an option that is unknown or out of its range.
   */
  middleware(options: MiddlewareOptions = {}): Middleware {
    return createMiddleware(
      {
        recorder: this.#recorder,
        lateAnswers: this.#waitUntil ? undefined : this.#lateAnswers,
        runStep: (scope, name, run) => runInScope(scope, wrapWith(this.#recorder, run, { name })),
        feedbackToken: (taskId, req) => this.#tokens.forAnswer(taskId, req),
        isReady: () => this.#delivery.isConfigured(),
        flush: (timeoutMs) => this.#flushOutside(timeoutMs),
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
        tokens: () => this.#tokens.signer(),
        isReady: () => this.isEnabled && this.#delivery.isConfigured(),
        knows: (taskId) => this.#delivery.stateOf(taskId) !== undefined,
        submit: ({ taskId, flag, notes }) => this.flag(taskId, flag, { notes }),
      },
      options,
    );
  }

  /**
   * Answers GET and HEAD with where every task and flag is, and how batches fare, in Prometheus' text format
   * 0.0.4; anything else with 405. The names begin with `phospho_`. Counts alone, no texts; who may read them
   * is decided by what is mounted before it.
   *
   * @example
   * ```ts
   * app.get('/metrics', phospho.metrics());
   * ```
   */
  metrics(): MetricsHandler {
    return createMetricsHandler(this.#delivery, this.#logger);
  }

  /** The function `wrap`, bound to this Phospho. */
  wrap<F extends AnyFunction>(fn: F, options: CallOptions<F> = {}): F {
    return wrapWith(this.#recorder, fn, options);
  }

  /** The function `observe`, bound to this Phospho. */
  observe<C extends object>(client: C, options: ObserveOptions = {}): C {
    return observeWith(this.#recorder, client, options);
  }

  /**
   * Records a task by hand. Returns its ids at once; delivery follows. Invents a task id where none is
   * given, but never a session.
   */
  log(task: LogInput): LoggedTask {
    return settleLogged(this.#recorder, task);
  }

  /**
   * Opens a task by hand, for code that begins and ends in different places; it is recorded by its `end`.
   * Within another task it is a task of its own that names its parent.
   *
   * @throws PhosphoArgumentError for an option that there is none of.
   *
   * @example
   * ```ts
   * const task = phospho.startTask({ name: 'voice call', input: 'Hello?', sessionId: 'call_1' });
   * socket.on('answer', (text) => task.end({ output: text }));
   * socket.on('error', (error) => task.end({ error }));
   * ```
   */
  startTask(options: StartTaskOptions = {}): ManualTask {
    return startTask(this.#recorder, options);
  }

  /**
   * Runs a function as a step of the open task, or as a task where none is open, and returns what it returns;
   * what it awaits, yields or throws is recorded as `wrap` does.
   *
   * @throws PhosphoArgumentError without a name, without a function, or for an option that there is none of.
   *
   * @example
   * ```ts
   * const found = await phospho.step('retrieve', () => search(question), { input: () => question });
   * ```
   */
  step<R>(name: string, work: () => R, options: StepOptions<R> = {}): R {
    return stepOf(this.#recorder, name, work, options)();
  }

  /**
   * Runs a function, and returns what it returns; each task that opens within it, or in what it awaits, belongs
   * to this session, user and version, and carries this metadata. So does the task that is open now. Weaker than
   * what `req.phospho.set()`, an option or a task says of itself; stronger than what is found in a request. A
   * context within a context adds to it. The body of a generator runs where it is read, not here.
   *
   * @throws PhosphoArgumentError for a field that there is none of, or without a function.
   *
   * @example
   * ```ts
   * app.use((req, res, next) => phospho.withContext({ userId: req.user?.id }, next));
   * ```
   */
  withContext<R>(context: TaskContext, work: () => R): R {
    checkContext(context, work);
    return runWithAmbient(context, work);
  }

  /**
   * Headers that tell another process of yours which task its work is part of: give them to your own `fetch`, and
   * set `trustContext` of the `middleware()` over there. Its tasks then name this one as their parent, and are of
   * the same session and user. Nothing adds them by itself, so that no model vendor ever sees them. Empty outside
   * of any task and context.
   *
   * @example
   * ```ts
   * await fetch('http://search.internal/rank', { headers: phospho.contextHeaders() });
   * ```
   */
  contextHeaders(): { [CONTEXT_HEADER]?: string } {
    const value = this.isEnabled ? contextHere() : undefined;
    return value === undefined ? {} : { [CONTEXT_HEADER]: value };
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
    checkTaskId(taskId);
    if (!this.isEnabled) return;
    this.#delivery.flag({ taskId, flag, source, notes: this.#maskNotes(notes) });
    this.#waitUntil?.announce();
  }

  /**
   * A token that lets its holder flag one task, for pages that show answers of the past, whichever process
   * recorded them. Nobody is asked whether there is such a task.
   *
   * @param options - `expiresInMs`: 1000 to a year, default 24 h. `bind`: with the option `feedback.bind`, what
   * that will answer for the user who flags
   * @throws PhosphoArgumentError for an empty task id, an `expiresInMs` out of its range, or a `bind` without the
   * option of that name.
   *
   * @example
   * ```ts
   * app.get('/history', async (req, res) => {
   *   const messages = await conversationOf(req.user);
   *   res.json(messages.map((message) => ({
   *     ...message,
   *     token: phospho.feedbackToken(message.taskId),
   *   })));
   * });
   * ```
   */
  feedbackToken(taskId: string, options: TokenOptions = {}): string {
    return this.#tokens.forPage(taskId, options);
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
    this.#lateAnswers.settleAll();
    return this.#delivery.flush({ timeoutMs: timeoutOf(options, FLUSH_TIMEOUT_MS) });
  }

  /**
   * Flushes and stops; what is left when the time is up is dropped and counted. May be called more than
   * once, never rejects. Default: 5 s.
   */
  shutdown(options: DrainOptions = {}): Promise<Ledger> {
    retireDefaultRecorder(this.#recorder);
    this.#offSignals?.();
    this.#offBeforeExit();
    this.#lateAnswers.close();
    const done = this.#delivery.shutdown({ timeoutMs: timeoutOf(options, SHUTDOWN_TIMEOUT_MS) });
    // Until then the process may still end by process.exit.
    void done.then(this.#offExit);
    return done;
  }

  /**
   * Ends a server without losing a task: it stops accepting, lets requests and streams under way end, closes
   * each connection as it becomes idle, then calls `shutdown()`. Resolves to the ledger. The process then ends
   * by itself if the app keeps nothing else open.
   *
   * Requests have four fifths of `timeoutMs`; what is still open then is cut off, and recorded as `aborted`.
   * The last fifth (5 s at most) is kept for delivery, which may take up to 5 s if the requests end early.
   *
   * May be called more than once, and for several servers: delivery stops when all of them are closed. Never
   * throws or rejects, whatever it is given. WebSockets are the app's to close: it waits for them, but does not
   * cut them off.
   *
   * @param server - what `app.listen()` returns; also one of `node:https` or `node:http2`
   * @param options - `timeoutMs`, default 25 s: Kubernetes kills after 30 s, and the app may have more to close
   *
   * @example
   * ```ts
   * const server = app.listen(3000);
   * process.once('SIGTERM', () => phospho.gracefulShutdown(server));
   * ```
   */
  gracefulShutdown(server: Server, options: DrainOptions = {}): Promise<Ledger> {
    this.#lateAnswers.close();
    return this.#graceful.run(server, timeoutOf(options, GRACEFUL_TIMEOUT_MS));
  }

  /** Requests that are still under way have tasks to come: where somebody else ends the process, delivery goes on. */
  #onSignal(isShared: boolean): Promise<unknown> {
    if (this.#graceful.underWay) return this.#graceful.underWay;
    return isShared ? this.flush({ timeoutMs: SHUTDOWN_TIMEOUT_MS }) : this.shutdown();
  }

  #flushOutside(timeoutMs: number): Promise<Ledger> {
    return this.#outside.runInAsyncScope(() => this.flush({ timeoutMs }));
  }

  #createWaitUntil(hook: WaitUntilHook): WaitUntil {
    return new WaitUntil({
      hook,
      logger: this.#logger,
      timeoutMs: FLUSH_TIMEOUT_MS,
      flush: (timeoutMs) => this.#flushOutside(timeoutMs),
    });
  }

  /** A note goes through the same masks as every other text; if the mask fails, it stays here. */
  #maskNotes(notes: string | undefined): string | undefined {
    if (notes === undefined) return undefined;
    try {
      return maskCredentials(maskAll(notes, this.#privacy.masks));
    } catch (error) {
      // Its message may quote the note.
      const message = `the mask failed, so a note was not sent: ${errorName(error)}`;
      this.#logger.once('mask', 'warn', message);
      return undefined;
    }
  }
}

/** Neither `flush` nor `shutdown` may throw: what is no finite number counts as no time at all. */
function timeoutOf(options: DrainOptions | null, standard: number): number {
  const timeoutMs = options?.timeoutMs ?? standard;
  return Number.isFinite(timeoutMs) ? Math.min(Math.max(timeoutMs, 0), 86_400_000) : 0;
}
