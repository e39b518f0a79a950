import { type BodyKind, isStreamed } from '../capture/body-kind.ts';
import { readGenericRequest } from '../capture/extract/generic.ts';
import { AI_SDK_HEADERS, beginsAnswer } from '../capture/extract/sniff.ts';
import { isObject } from '../capture/extract/text.ts';
import type { OpenTask } from '../capture/task.ts';
import { BodyBegin } from './body-begin.ts';
import { queryOf } from './identify.ts';
import type { RequestTap } from './request-tap.ts';
import type { ResolvedMiddlewareOptions } from './resolve-options.ts';
import type { ResponseHead } from './response-tap.ts';
import type { AppRequest } from './types.ts';

/**
 * Whether a request and its response are an exchange with a model. Decided by the request where that is enough,
 * else when the response's head is written, else by the body's first bytes; what is undecided at the end is none.
 */
export class Verdict {
  readonly #task: OpenTask;
  readonly #options: ResolvedMiddlewareOptions;
  readonly #requestTap: RequestTap;
  #req: AppRequest | undefined;
  #state: 'undecided' | 'capture' | 'ignore' = 'undecided';
  #isSkipped = false;
  readonly #begin = new BodyBegin();

  constructor(
    req: AppRequest,
    task: OpenTask,
    requestTap: RequestTap,
    options: ResolvedMiddlewareOptions,
  ) {
    this.#req = req;
    this.#task = task;
    this.#requestTap = requestTap;
    this.#options = options;
  }

  get isUndecided(): boolean {
    return this.#state === 'undecided';
  }

  get isCapture(): boolean {
    return this.#state === 'capture';
  }

  get isIgnore(): boolean {
    return this.#state === 'ignore';
  }

  /** Whether it is recorded, if it ends now. */
  get isWanted(): boolean {
    const counts =
      this.isCapture || this.#task.steps.length > 0 || (this.isUndecided && this.#isAskedFor());
    return counts && !this.#isBarred();
  }

  ignore(): void {
    this.#state = 'ignore';
  }

  /** The app does not want it, whatever else speaks for it. */
  skip(): void {
    this.#isSkipped = true;
    this.ignore();
  }

  /** Whoever still holds the exchange must not keep the request alive through it. */
  forget(): void {
    this.#req = undefined;
  }

  decideByHead(head: ResponseHead, kind: BodyKind): void {
    const req = this.#req;
    if (req === undefined || !this.isUndecided) return;
    if (this.#isBarred()) this.ignore();
    else if (this.#task.steps.length > 0 || this.#isAskedFor()) this.#state = 'capture';
    else if (this.#isGenericStream(req, head, kind)) this.#state = 'capture';
    else if (kind === 'binary' && req.complete) this.ignore();
    else if (
      AI_SDK_HEADERS.some((name) => head.get(name) !== undefined) ||
      (head.firstChunk !== undefined && isAnswer(head.firstChunk))
    ) {
      // Known before the head is written, so that it can carry the id.
      this.#state = 'capture';
    }
  }

  /** The body's first bytes tell a provider's own answer. */
  decideByChunk(chunk: string | Uint8Array, kind: BodyKind | undefined): void {
    this.#begin.push(chunk);
    const mayBe = kind === 'json' || kind === 'untyped' || isStreamed(kind);
    if (mayBe && beginsAnswer(this.#begin.text)) {
      this.#captureUnlessBarred();
      return;
    }
    // A handler may answer before the request's body is in; then the end decides.
    const isBodyIn = this.#req?.complete !== false || !this.#requestTap.isReadable;
    if (isBodyIn && this.#isExactRequest()) this.#captureUnlessBarred();
    else if (isBodyIn && (!mayBe || this.#begin.isFull)) this.ignore();
  }

  #captureUnlessBarred(): void {
    this.#state = this.#isBarred() ? 'ignore' : 'capture';
  }

  /** The app does not want this one recorded, whatever it holds. */
  #isBarred(): boolean {
    return this.#isSkipped || this.#req === undefined || this.#options.excludes(this.#req);
  }

  #isAskedFor(): boolean {
    return this.#isExactRequest() || (this.#req !== undefined && this.#options.includes(this.#req));
  }

  #isExactRequest(): boolean {
    return this.#options.formats.isRequest(this.#requestTap.bodyNow());
  }

  #isGenericStream(req: AppRequest, head: ResponseHead, kind: BodyKind): boolean {
    const isTextStream =
      PLAIN_TEXT.test(head.get('content-type') ?? '') &&
      !head.isWhole &&
      head.get('content-length') === undefined;
    if (!isStreamed(kind) && !isTextStream) return false;
    const body = this.#requestTap.bodyNow();
    // Lines of JSON that answer a query may be an export.
    const sources = kind === 'lines' ? [body] : [body, queryOf(req)];
    return sources.some((source) => isObject(source) && readGenericRequest(source));
  }
}

/** Streamed HTML or CSV is a page or an export, whatever its query is called. */
const PLAIN_TEXT = /^text\/(plain|markdown)\b/i;

function isAnswer(firstChunk: string | Uint8Array): boolean {
  const begin = new BodyBegin();
  begin.push(firstChunk);
  return beginsAnswer(begin.text);
}
