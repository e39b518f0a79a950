import { ByteLog } from '../capture/byte-log.ts';
import { readGenericRequest } from '../capture/extract/generic.ts';
import type { Formats } from '../capture/extract/index.ts';
import { isObject } from '../capture/extract/text.ts';
import { snapshot } from '../capture/snapshot.ts';
import { parseJson } from '../capture/sse.ts';
import type { JsonObject } from '../types.ts';
import { formFields } from './form-fields.ts';
import type { AppRequest } from './types.ts';

/** Content types whose bodies can hold a chat: no upload is ever copied. */
const READABLE_TYPE =
  /^(application\/([\w.-]+\+)?json|application\/x-www-form-urlencoded|text\/plain)\b/i;

/** Bytes that may be parsed while the response waits, where the app has parsed nothing itself. */
const MAX_PARSED_ON_PATH = 262_144;

/**
 * The request's body as it arrived. It is copied while whoever reads the stream gets it (parser, pipe,
 * `for await` …), since a handler may change `req.body`; where it was parsed before us, it is copied at
 * once. Nobody's reading is started or changed.
 */
export class RequestTap {
  readonly #req: AppRequest;
  readonly #formats: Formats;
  readonly #log: ByteLog | undefined;
  /** How the log's bytes are encoded. */
  readonly #encoding: string | undefined;
  #snapshot: { body: unknown } | undefined;
  #parsed: { body: unknown } | undefined;

  constructor(req: AppRequest, formats: Formats, onFault: (error: unknown) => void) {
    this.#req = req;
    this.#formats = formats;
    const body = bodyOf(req);
    if (isRead(body)) {
      this.#keep(body);
      return;
    }
    if (!READABLE_TYPE.test(req.headers['content-type'] ?? '')) return;
    if (isRaw(body)) {
      this.#log = new ByteLog();
      this.#log.append(body);
    } else if (!req.readableDidRead && req.readableLength === 0) {
      this.#log = new ByteLog();
      this.#encoding = req.headers['content-encoding'];
      this.#teePush(this.#log, onFault);
    }
  }

  /** Whether this request's body is of a kind that can hold a chat. */
  get isReadable(): boolean {
    return this.#log !== undefined || this.#snapshot !== undefined;
  }

  /**
   * The response begins. A body of a kind that is not copied as it passes (a form with files, say) is copied
   * here, as a parser has left it: this is before an app adds an answer to it.
   */
  onHead(): void {
    if (this.#log !== undefined || this.#snapshot !== undefined) return;
    const body = bodyOf(this.#req);
    if (isRead(body)) this.#keep(body);
  }

  /** The parsed body, once the request is over; undefined if there is none, or none that can be read. */
  body(): unknown | Promise<unknown> {
    if (this.#encoding === undefined || !this.#isLogWhole()) {
      return this.#copied() ?? bodyOf(this.#req);
    }
    const decoded = this.#log?.text(this.#encoding);
    return Promise.resolve(decoded).then(
      (text) => this.#parse(text ?? '') ?? bodyOf(this.#req),
      () => bodyOf(this.#req),
    );
  }

  /** Like `body()`, for use while the request is under way: what a parser has made of it comes first. */
  bodyNow(): unknown {
    const body = bodyOf(this.#req);
    if (isRead(body) || Array.isArray(body)) return body;
    if ((this.#log?.totalBytes ?? 0) > MAX_PARSED_ON_PATH || this.#encoding !== undefined) {
      return undefined;
    }
    return this.#copied() ?? body;
  }

  release(): void {
    this.#log?.release();
  }

  /** Other bodies are not worth a copy: if they count at all, then by what a step says. */
  #keep(body: JsonObject): void {
    if (this.#formats.isRequest(body) || readGenericRequest(body)) {
      this.#snapshot = { body: snapshot(body) };
    }
  }

  /** Our own copy of it; undefined where that cannot be read without waiting. */
  #copied(): unknown {
    if (this.#snapshot) return this.#snapshot.body;
    if (this.#parsed) return this.#parsed.body;
    if (this.#encoding !== undefined || !this.#isLogWhole()) return undefined;
    const text = this.#log?.text();
    const body = typeof text === 'string' ? this.#parse(text) : undefined;
    if (this.#req.complete) this.#parsed = { body };
    return body;
  }

  #isLogWhole(): boolean {
    return this.#log !== undefined && !this.#log.isCut;
  }

  #parse(text: string): unknown {
    if (text === '') return undefined;
    if (/urlencoded/i.test(this.#req.headers['content-type'] ?? '')) {
      return formFields(text);
    }
    return parseJson(text);
  }

  /**
   * Node's HTTP parser hands each piece of a body to `req.push`, so this sees it however it is read;
   * listening to 'data' would start the flow, and miss `for await` and `read()`.
   */
  #teePush(log: ByteLog, onFault: (error: unknown) => void): void {
    const req = this.#req;
    const { push } = req;
    req.push = function tappedPush(this: AppRequest, ...args: Parameters<typeof push>): boolean {
      try {
        const chunk: unknown = args[0];
        if (chunk instanceof Uint8Array) log.append(chunk);
      } catch (error) {
        onFault(error);
      }
      return push.apply(this, args);
    };
  }
}

/** What a parser has left in `req.body`, which may be a getter of the app's. */
function bodyOf(req: AppRequest): unknown {
  try {
    return req.body;
  } catch {
    return undefined;
  }
}

/** A parsed body with something in it: Express 4 has `{}` where nothing was parsed. */
function isRead(body: unknown): body is JsonObject {
  if (!isObject(body) || body instanceof Uint8Array) return false;
  for (const _key in body) return true;
  return false;
}

/** What `express.raw()` and `express.text()` leave. */
function isRaw(body: unknown): body is Uint8Array | string {
  return body instanceof Uint8Array || (typeof body === 'string' && body !== '');
}
