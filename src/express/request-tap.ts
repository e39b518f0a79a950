import { ByteLog } from '../capture/byte-log.ts';
import { readGenericRequest } from '../capture/extract/generic.ts';
import { readRequest } from '../capture/extract/index.ts';
import { isObject } from '../capture/extract/text.ts';
import { safeJson } from '../capture/serialize.ts';
import { parseJson } from '../capture/sse.ts';
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
  readonly #log: ByteLog | undefined;
  readonly #snapshot: string | undefined;
  #parsed: { body: unknown } | undefined;

  constructor(req: AppRequest, onFault: (error: unknown) => void) {
    this.#req = req;
    if (!READABLE_TYPE.test(req.headers['content-type'] ?? '')) return;
    if (isObject(req.body) && Object.keys(req.body).length > 0) {
      // Other bodies are not worth a copy: if they count at all, then by what a step says.
      if (readRequest(req.body) ?? readGenericRequest(req.body))
        this.#snapshot = safeJson(req.body);
    } else if (!req.readableDidRead && req.readableLength === 0) {
      this.#log = new ByteLog();
      this.#teePush(this.#log, onFault);
    }
  }

  /** Whether this request's body is of a kind that can hold a chat. */
  get isReadable(): boolean {
    return this.#log !== undefined || this.#snapshot !== undefined;
  }

  /** The parsed body; undefined if there is none, or none that can be read. */
  body(): unknown {
    if (!this.#req.complete && this.#snapshot === undefined) return this.#read();
    this.#parsed ??= { body: this.#read() };
    return this.#parsed.body;
  }

  /** Like `body()`, for use while the request is under way: what a parser has made of it comes first. */
  bodyNow(): unknown {
    const { body } = this.#req;
    if (typeof body === 'object' && body !== null) return body;
    return (this.#log?.totalBytes ?? 0) > MAX_PARSED_ON_PATH ? undefined : this.body();
  }

  release(): void {
    this.#log?.release();
  }

  #read(): unknown {
    if (this.#snapshot !== undefined) return parseJson(this.#snapshot);
    if (this.#log && !this.#log.isCut && !this.#req.headers['content-encoding']) {
      const text = this.#log.text();
      if (typeof text === 'string' && text !== '') {
        if (/urlencoded/i.test(this.#req.headers['content-type'] ?? '')) {
          return Object.fromEntries(new URLSearchParams(text));
        }
        const json = parseJson(text);
        if (json !== undefined) return json;
      }
    }
    return this.#req.body;
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
