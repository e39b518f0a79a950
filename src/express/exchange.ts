import { ByteLog } from '../capture/byte-log.ts';
import { readGenericRequest } from '../capture/extract/generic.ts';
import { isRequest } from '../capture/extract/index.ts';
import { isObject } from '../capture/extract/text.ts';
import type { Recorder } from '../capture/recorder.ts';
import { type OpenTask, round, type TaskFields } from '../capture/task.ts';
import type { JsonObject, Outcome } from '../types.ts';
import { type BodyKind, kindOf, readExchange } from './exchange-contents.ts';
import { findSession, findUser, queryOf } from './identify.ts';
import { publishedHeaders } from './publish.ts';
import { RequestTap } from './request-tap.ts';
import type { ResolvedMiddlewareOptions } from './resolve-options.ts';
import type { HeaderPair, ResponseHead, ResponseListener } from './response-tap.ts';
import type { AppRequest, AppResponse, PerRequest, RequestHandle } from './types.ts';

/** What the HTTP door needs of the rest of the package. */
export interface HttpDoor {
  recorder: Recorder;
  feedbackToken(taskId: string): string;
  /** Whether a task that settles now is recorded. */
  isReady(): boolean;
}

/**
 * One request and its response, from the middleware to the record. Whether it is an exchange with a model
 * is decided when the response's head is written: until then hardly anything is kept, afterwards nothing
 * of an ordinary route.
 */
export class Exchange implements ResponseListener {
  readonly task: OpenTask;
  readonly handle: RequestHandle;
  readonly #door: HttpDoor;
  readonly #options: ResolvedMiddlewareOptions;
  readonly #requestTap: RequestTap;
  #req: AppRequest | undefined;
  #res: AppResponse | undefined;
  #responseLog: ByteLog | undefined;
  #verdict: 'undecided' | 'capture' | 'ignore' = 'undecided';
  #head: { status: number; kind: BodyKind; encoding: string | undefined } | undefined;
  #firstChunkMs: number | undefined;
  #chunks = 0;
  #isSkipped = false;
  #isOver = false;
  #sniffed = '';

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
    this.task = door.recorder.open();
    // A task within this one asks while the request is under way.
    this.task.identify = () => this.#identity();
    this.#requestTap = new RequestTap(req, (error) => this.onFault(error));
    this.handle = this.#makeHandle();
  }

  onHead(head: ResponseHead): readonly HeaderPair[] {
    // A handler that answers a client who has left.
    if (this.#isOver) return [];
    const { method } = this.#req ?? {};
    const bodiless = method === 'HEAD' || head.status === 204 || head.status === 304;
    const kind = kindOf(head.get('content-type'));
    this.#head = { status: head.status, kind, encoding: head.get('content-encoding') };
    if (this.#verdict === 'undecided') this.#decide(head, kind);
    if (!bodiless && this.#verdict !== 'ignore' && kind !== 'binary') {
      this.#responseLog ??= new ByteLog();
    }
    if (this.#verdict !== 'capture' || this.#options.publish === 'none') return [];
    // Without a key nothing is recorded: there will be no task to flag.
    if (!this.#door.isReady()) return [];
    return publishedHeaders(head, this.#req, this.handle);
  }

  onChunk(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): void {
    if (chunk.length === 0 || this.#isOver) return;
    if (this.#verdict === 'undecided') this.#decideByChunk(chunk);
    if (this.#responseLog === undefined) return;
    this.#chunks += 1;
    this.#firstChunkMs ??= round(this.task.elapsedMs());
    this.#responseLog.append(chunk, encoding);
  }

  onFault(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#door.recorder.logger.once('capture', 'error', `capturing a request failed: ${message}`);
  }

  /** The response is over, one way or the other. */
  onEnd(outcome: Outcome): void {
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
      this.#res = undefined;
      this.#responseLog = undefined;
    }
  }

  #settle(outcome: Outcome): void {
    const req = this.#req;
    const res = this.#res;
    if (req === undefined || res === undefined) return;
    if (this.#verdict === 'undecided') {
      this.#verdict = this.#isExactRequest() ? 'capture' : 'ignore';
    }
    const counts = this.#verdict === 'capture' || this.task.steps.length > 0;
    if (counts && !this.#isBarred()) this.#record(req, res, outcome);
    else {
      this.#release();
      this.#door.recorder.discard(this.task);
    }
  }

  #record(req: AppRequest, res: AppResponse, outcome: Outcome): void {
    const { input, output, versionId, metadata } = this.#options;
    const fromHandler = { ...this.task.fields };
    this.task.set({
      ...this.#identity(),
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
      status,
      kind: this.#head?.kind ?? 'binary',
      encoding: this.#head?.encoding,
      query: queryOf(req),
      isIncluded: this.#options.includes(req),
      metadata: this.#metadata(req, status),
    };
    const isKept = this.#door.recorder.settle(this.task, {
      outcome: outcome === 'complete' && status >= 400 ? 'error' : outcome,
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
    const streamed = this.#head?.kind === 'events' || this.#chunks > 1;
    return {
      method: req.method,
      route: pattern === undefined ? undefined : `${req.baseUrl ?? ''}${pattern}`,
      status,
      streamed,
      time_to_first_token_ms: streamed ? this.#firstChunkMs : undefined,
      response_bytes: this.#responseLog?.totalBytes,
      response_cut: this.#responseLog?.isCut || undefined,
    };
  }

  #identity(): TaskFields {
    const req = this.#req;
    if (req === undefined) return {};
    const { sessionId, userId } = this.#options;
    return {
      sessionId: this.#perRequest(sessionId) ?? findSession(req, this.#requestTap.bodyNow()),
      userId: this.#perRequest(userId) ?? findUser(req),
    };
  }

  #perRequest<T>(option: PerRequest<T> | undefined): T | undefined {
    if (typeof option !== 'function') return option;
    const [req, res] = [this.#req, this.#res];
    if (req === undefined || res === undefined) return undefined;
    try {
      const value = (option as (req: AppRequest, res: AppResponse) => T | undefined)(req, res);
      if (!(value instanceof Promise)) return value;
      // Refused here, so that its rejection is nobody's crash.
      value.catch(() => {});
      throw new TypeError('an option of middleware() is async; what it answers must be at hand');
    } catch (error) {
      this.onFault(error);
      return undefined;
    }
  }

  #decide(head: ResponseHead, kind: BodyKind): void {
    const req = this.#req;
    if (req === undefined) return;
    if (this.#isBarred()) this.#verdict = 'ignore';
    else if (this.task.steps.length > 0 || this.#options.includes(req) || this.#isExactRequest()) {
      this.#verdict = 'capture';
    } else if (this.#isGenericStream(req, head, kind)) {
      this.#verdict = 'capture';
    } else if (kind === 'binary' && this.#req?.complete) {
      this.#verdict = 'ignore';
    } else if (head.firstChunk !== undefined && PROVIDER_ANSWER.test(startOf(head.firstChunk))) {
      // Known before the head is written, so that it can carry the id.
      this.#verdict = 'capture';
    }
  }

  /** The body's first bytes tell a provider's own answer. */
  #decideByChunk(chunk: string | Uint8Array): void {
    this.#sniffed += startOf(chunk, SNIFFED_BYTES - this.#sniffed.length);
    const { kind } = this.#head ?? {};
    const mayBe = kind === 'json' || kind === 'events' || kind === 'untyped';
    if (mayBe && PROVIDER_ANSWER.test(this.#sniffed)) {
      this.#verdict = this.#isBarred() ? 'ignore' : 'capture';
      return;
    }
    // A handler may answer before the request's body is in; then the end decides.
    const isBodyIn = this.#req?.complete !== false || !this.#requestTap.isReadable;
    if (isBodyIn && (!mayBe || this.#sniffed.length >= SNIFFED_BYTES)) this.#ignore();
  }

  #ignore(): void {
    this.#verdict = 'ignore';
    this.#responseLog?.release();
    this.#responseLog = undefined;
  }

  /** The app does not want this one recorded, whatever it holds. */
  #isBarred(): boolean {
    return this.#isSkipped || this.#req === undefined || this.#options.excludes(this.#req);
  }

  #isExactRequest(): boolean {
    return isRequest(this.#requestTap.bodyNow());
  }

  #isGenericStream(req: AppRequest, head: ResponseHead, kind: BodyKind): boolean {
    const isTextStream =
      PLAIN_TEXT.test(head.get('content-type') ?? '') &&
      !head.isWhole &&
      head.get('content-length') === undefined;
    if (kind !== 'events' && !isTextStream) return false;
    const body = this.#requestTap.bodyNow();
    return [body, queryOf(req)].some((source) => isObject(source) && readGenericRequest(source));
  }

  #makeHandle(): RequestHandle {
    const { task } = this;
    const door = this.#door;
    let token: string | undefined;
    return {
      taskId: task.id,
      get feedbackToken(): string {
        token ??= door.feedbackToken(task.id);
        return token;
      },
      set: (fields) => {
        try {
          task.set(fields);
        } catch (error) {
          this.onFault(error);
        }
      },
      skip: () => {
        this.#isSkipped = true;
        this.#ignore();
        // Once the response is over they are the extraction's.
        if (!this.#isOver) this.#requestTap.release();
      },
    };
  }
}

/** Bytes at a body's beginning that are looked at. */
const SNIFFED_BYTES = 300;
/** Streamed HTML or CSV is a page or an export, whatever its query is called. */
const PLAIN_TEXT = /^text\/(plain|markdown)\b/i;
const PROVIDER_ANSWER = /"object"\s*:\s*"chat\.completion/;

function startOf(chunk: string | Uint8Array, bytes: number = SNIFFED_BYTES): string {
  if (typeof chunk === 'string') return chunk.slice(0, bytes);
  const length = Math.min(chunk.byteLength, bytes);
  return Buffer.from(chunk.buffer, chunk.byteOffset, length).toString('latin1');
}
