import { type BodyKind, charsetOf, isStreamed, kindOf } from '../capture/body-kind.ts';
import { ByteLog, type ReaderMaker } from '../capture/byte-log.ts';
import type { Scope } from '../capture/context.ts';
import { CONTEXT_HEADER, readContext } from '../capture/propagation.ts';
import { readerFor } from '../capture/read-answer.ts';
import type { Recorder } from '../capture/recorder.ts';
import { round } from '../capture/round.ts';
import { isKept } from '../capture/sampling.ts';
import type { OpenTask, TaskEnd } from '../capture/task.ts';
import { mergeFields, type TaskFields } from '../capture/task-fields.ts';
import { describeError, isThenable } from '../internal/hooks.ts';
import type { JsonObject, Outcome } from '../types.ts';
import { readExchange } from './exchange-contents.ts';
import { findSession, findUser, queryOf, sessionIn } from './identify.ts';
import type { LateAnswers, LateExchange } from './late-answers.ts';
import { publishedHeaders } from './publish.ts';
import { createHandle, Departure } from './request-handle.ts';
import { pickHeaders } from './request-headers.ts';
import { RequestTap } from './request-tap.ts';
import {
  isSample,
  pathOf,
  type ResolvedMiddlewareOptions,
  SAMPLE_TAKES,
} from './resolve-options.ts';
import type { HeaderPair, ResponseHead, ResponseListener } from './response-tap.ts';
import type { AppRequest, AppResponse, PerRequest, RequestHandle } from './types.ts';
import { Verdict } from './verdict.ts';

/** What the HTTP door needs of the rest of the package. */
export interface HttpDoor {
  recorder: Recorder;
  /** Empty where it cannot be told whom it should be tied to; without a request if that is over. */
  feedbackToken(taskId: string, req: AppRequest | undefined): string;
  /** Whether a task that settles now is recorded. */
  isReady(): boolean;
  /** Resolves once all that has settled is delivered, or the time is up. Never rejects. */
  flush(timeoutMs: number): Promise<unknown>;
  /** Runs a function as a step of the task that the scope is in. */
  runStep<R>(scope: Scope, name: string, run: () => R): R;
  /** Undefined: nobody waits, since the platform may freeze the process meanwhile. */
  lateAnswers: LateAnswers | undefined;
}

/**
 * One request and its response, from the middleware to the record. Whether it is an exchange with a model
 * is decided when the response's head is written: until then hardly anything is kept, afterwards nothing
 * of an ordinary route.
 */
export class Exchange implements ResponseListener, LateExchange {
  readonly task: OpenTask;
  readonly handle: RequestHandle;
  readonly #door: HttpDoor;
  readonly #options: ResolvedMiddlewareOptions;
  readonly #requestTap: RequestTap;
  #req: AppRequest | undefined;
  #res: AppResponse | undefined;
  #responseLog: ByteLog | undefined;
  readonly #verdict: Verdict;
  #head: Head | undefined;
  #firstChunkMs: number | undefined;
  #chunks = 0;
  #isOver = false;
  /** Milliseconds from the beginning until the client left, where it did before the answer was complete. */
  #leftMs: number | undefined;
  readonly #departure = new Departure();
  #lastChunkAt: number | undefined;
  readonly #hadSocket: boolean;

  constructor(
    req: AppRequest,
    res: AppResponse,
    door: HttpDoor,
    options: ResolvedMiddlewareOptions,
  ) {
    this.#req = req;
    this.#res = res;
    this.#door = door;
    this.#options = options;
    this.#hadSocket = res.socket !== null;
    const sender = options.trusts(req) ? readContext(req.headers[CONTEXT_HEADER]) : undefined;
    this.task = door.recorder.open({ privacy: options.privacy, parentTaskId: sender?.taskId });
    if (sender) this.task.ambient = mergeFields({ ...this.task.ambient }, sender.fields);
    this.task.formats = options.formats;
    // A task within this one asks while the request is under way.
    this.task.identify = () => this.#identity();
    this.#requestTap = new RequestTap(req, options.formats, (error) => this.onFault(error));
    this.#verdict = new Verdict(req, this.task, this.#requestTap, options);
    this.handle = createHandle({
      task: this.task,
      departure: this.#departure,
      // Not the constructor's: the task's closures share it, and may live on.
      signToken: () => door.feedbackToken(this.task.id, this.#req),
      skip: () => this.#skip(),
      runStep: (name, run) => door.runStep(this.scope, name, run),
      onFault: (error) => this.onFault(error),
    });
  }

  /** Where code runs that belongs to this request. */
  get scope(): Scope {
    return { recorder: this.#door.recorder, task: this.task, step: undefined };
  }

  onHead(head: ResponseHead): readonly HeaderPair[] {
    // A handler that answers a client who has left.
    if (this.#isOver) return [];
    const { method } = this.#req ?? {};
    const bodiless = method === 'HEAD' || head.status === 204 || head.status === 304;
    const contentType = head.get('content-type');
    const kind = kindOf(contentType);
    this.#head = {
      status: head.status,
      kind,
      encoding: head.get('content-encoding'),
      charset: charsetOf(contentType),
    };
    this.#verdict.decideByHead(head, kind);
    if (!this.#verdict.isIgnore) this.#requestTap.onHead();
    const hasText = !bodiless && !this.#verdict.isIgnore && kind !== 'binary';
    // Anew for each head: of one that Node refused nothing was sent.
    this.#responseLog = hasText ? new ByteLog(this.#readerFor(kind)) : undefined;
    if (!this.#verdict.isCapture || this.#options.publish === 'none') return [];
    // Without a key nothing is recorded: there will be no task to flag.
    if (this.#hasLeft || !this.#door.isReady()) return [];
    return publishedHeaders(head, this.#req, this.handle);
  }

  onChunk(chunk: string | Uint8Array): void {
    if (chunk.length === 0 || this.#isOver) return;
    if (this.#verdict.isUndecided) this.#decideByChunk(chunk);
    if (this.#responseLog === undefined) return;
    this.#chunks += 1;
    this.#firstChunkMs ??= round(this.task.elapsedMs());
    if (this.#hasLeft) this.#lastChunkAt = performance.now();
    this.#responseLog.append(chunk);
  }

  onUnheld(): void {
    const message =
      'flushBeforeEnd does nothing: a middleware mounted before ours (compression, express-session) ends responses its own way; mount ours first';
    this.#door.recorder.logger.once('unheld', 'warn', message);
  }

  onFault(error: unknown): void {
    const message = `capturing a request failed: ${describeError(error)}`;
    this.#door.recorder.logger.once('capture', 'error', message);
  }

  onAppEnd(): void {
    if (!this.#hasLeft || this.#isOver) return;
    this.#door.lateAnswers?.forget(this);
    this.onTimeUp();
  }

  get lastChunkAt(): number | undefined {
    return this.#lastChunkAt;
  }

  /** The connection has closed before the response was complete. */
  onLeft(): void {
    if (this.#isOver || this.#hasLeft) return;
    if (this.#isTakenOver) this.#ignore();
    this.#leftMs = this.task.elapsedMs();
    if (this.#chunks > 0) this.#lastChunkAt = performance.now();
    if (this.#mayAnswerLate()) this.#door.lateAnswers?.wait(this);
    else this.onEnd('aborted');
    this.#departure.announce();
  }

  /** Nothing more will come of what a client that has left had asked for. */
  onTimeUp(): void {
    this.onEnd('aborted');
  }

  /** The response is over, one way or the other. */
  onEnd(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#settle(outcome);
    } catch (error) {
      this.onFault(error);
      this.#release();
      this.#door.recorder.discard(this.task);
    } finally {
      // Whoever still holds the task (a step's scope) must not keep the request alive through it.
      this.#req = undefined;
      this.#verdict.forget();
      this.#res = undefined;
      this.#responseLog = undefined;
    }
  }

  /** False: the end of this response need not be held for `flushBeforeEnd`. */
  get mayHold(): boolean {
    return !this.#isOver && !this.#hasLeft && !this.#verdict.isIgnore;
  }

  /** For `flushBeforeEnd`: the app has ended its answer. */
  settleBeforeEnd(): Promise<unknown> | undefined {
    const { flushBeforeEndMs } = this.#options;
    if (flushBeforeEndMs === undefined || !this.#verdict.isWanted || !this.#door.isReady()) {
      return undefined;
    }
    this.onEnd('complete');
    return this.#door.flush(flushBeforeEndMs);
  }

  /** The app has detached the socket, and what it says over it is no response. One that waits its turn has none yet. */
  get #isTakenOver(): boolean {
    return this.#hadSocket && this.#res?.socket === null && !this.#res.headersSent;
  }

  get #hasLeft(): boolean {
    return this.#leftMs !== undefined;
  }

  #mayAnswerLate(): boolean {
    const mayWait = this.#door.lateAnswers?.isOpen === true;
    return mayWait && this.#res?.writableEnded === false && this.#verdict.isWanted;
  }

  #settle(outcome: Outcome): void {
    const req = this.#req;
    const res = this.#res;
    if (req === undefined || res === undefined) return;
    if (this.#verdict.isWanted) this.#record(req, res, outcome);
    else {
      this.#release();
      this.#door.recorder.discard(this.task);
    }
  }

  #record(req: AppRequest, res: AppResponse, outcome: Outcome): void {
    const { input, output, versionId, metadata } = this.#options;
    const fromHandler = { ...this.task.fields };
    this.task.set({
      sessionId: this.#perRequest(this.#options.sessionId),
      userId: this.#userId(req),
      input: this.#perRequest(input),
      output: this.#perRequest(output),
      versionId: this.#perRequest(versionId),
      metadata: this.#perRequest(metadata),
    });
    this.task.set(fromHandler);
    const status = this.#head?.status ?? res.statusCode;
    const requestTap = this.#requestTap;
    const responseLog = this.#responseLog;
    const about = {
      formats: this.#options.formats,
      path: pathOf(req),
      status,
      kind: this.#head?.kind ?? 'binary',
      encoding: this.#head?.encoding,
      charset: this.#head?.charset,
      query: queryOf(req),
      isIncluded: this.#options.includes(req),
      metadata: this.#metadata(req, status),
      // Its body is read off the path, as it arrived: a handler may have put another in its place.
      sessionId: findSession(req),
    };
    const isKept = this.#door.recorder.settle(this.task, {
      outcome: outcome === 'complete' && status >= 400 ? 'error' : outcome,
      elapsedMs: this.#leftMs,
      isSampledOut: this.#sampling(),
      extract: () => readExchange(requestTap, responseLog, about),
    });
    if (!isKept) this.#release();
  }

  #release(): void {
    this.#requestTap.release();
    this.#responseLog?.release();
  }

  #metadata(req: AppRequest, status: number): JsonObject {
    const pattern = typeof req.route?.path === 'string' ? req.route.path : undefined;
    const streamed = isStreamed(this.#head?.kind) || this.#chunks > 1;
    return {
      method: req.method,
      route: pattern === undefined ? undefined : `${req.baseUrl ?? ''}${pattern}`,
      status,
      headers: pickHeaders(req, this.#options.headers),
      streamed,
      time_to_first_token_ms: streamed ? this.#firstChunkMs : undefined,
      response_bytes: this.#responseLog?.totalBytes,
      response_cut: this.#responseLog?.isCut || undefined,
      late_answer_ms: this.#isAnsweredLate() ? round(this.task.elapsedMs()) : undefined,
    };
  }

  /** Whether an answer went on, and came to its end, after its client had left. */
  #isAnsweredLate(): boolean {
    return this.#hasLeft && this.#res?.writableEnded === true && this.#lastChunkAt !== undefined;
  }

  /** Decided once the session is known: a conversation is whole or absent. */
  #sampling(): TaskEnd['isSampledOut'] {
    const sample: unknown = this.#perRequest(this.#options.sample) ?? true;
    if (sample === true) return undefined;
    if (isSample(sample)) return (key) => !isKept(Number(sample), key);
    this.onFault(new TypeError(`the option sample of middleware() ${SAMPLE_TAKES}`));
    return undefined;
  }

  #userId(req: AppRequest): string | undefined {
    return this.#perRequest(this.#options.userId) ?? findUser(req);
  }

  #identity(): TaskFields {
    const req = this.#req;
    if (req === undefined) return {};
    const named = this.#perRequest(this.#options.sessionId);
    const sessionId = named ?? sessionIn(this.#requestTap.bodyNow()) ?? findSession(req);
    return { sessionId, userId: this.#userId(req) };
  }

  #perRequest<T>(option: PerRequest<T> | undefined): T | undefined {
    if (typeof option !== 'function') return option;
    const [req, res] = [this.#req, this.#res];
    if (req === undefined || res === undefined) return undefined;
    try {
      const value = (option as (req: AppRequest, res: AppResponse) => T | undefined)(req, res);
      if (!isThenable(value)) return value;
      // Refused here, so that its rejection is nobody's crash.
      value.then(undefined, () => {});
      throw new TypeError('an option of middleware() is async; what it answers must be at hand');
    } catch (error) {
      this.onFault(error);
      return undefined;
    }
  }

  /** Of a stream that is compressed already, or not in UTF-8, nothing can be read while it goes on. */
  #readerFor(kind: BodyKind): ReaderMaker | undefined {
    const { encoding = 'identity', charset } = this.#head ?? {};
    const isPlain = encoding === 'identity' && charset === undefined;
    return isPlain && isStreamed(kind) ? readerFor(this.#options.formats, kind) : undefined;
  }

  #decideByChunk(chunk: string | Uint8Array): void {
    this.#verdict.decideByChunk(chunk, this.#head?.kind);
    if (this.#verdict.isIgnore) this.#ignore();
  }

  #ignore(): void {
    this.#verdict.ignore();
    this.#responseLog?.release();
    this.#responseLog = undefined;
  }

  #skip(): void {
    this.#verdict.skip();
    this.#ignore();
    // Once the response is over they are the extraction's.
    if (!this.#isOver) this.#requestTap.release();
  }
}

/** What is kept of a response's head. */
interface Head {
  status: number;
  kind: BodyKind;
  encoding: string | undefined;
  charset: string | undefined;
}
