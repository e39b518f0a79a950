import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Format } from '../capture/extract/format.ts';
import type { Mask } from '../capture/mask.ts';
import type { Capture } from '../capture/privacy.ts';
import type { TaskFields } from '../capture/task-fields.ts';
import type { JsonObject } from '../types.ts';

/**
 * A request as Express 4, Express 5 and bare `node:http` have it. Everything beyond `node:http` may be
 * missing.
 */
export interface AppRequest extends IncomingMessage {
  body?: unknown | undefined;
  query?: unknown;
  originalUrl?: string | undefined;
  baseUrl?: string | undefined;
  ip?: string | undefined;
  route?: { path?: unknown } | undefined;
  user?: unknown;
  auth?: unknown;
  session?: unknown;
  sessionID?: unknown;
  /** Set by Node's HTTP/1 parser. */
  upgrade?: unknown;
  phospho?: RequestHandle;
}

export type AppResponse = ServerResponse;

/** What an Express route calls its third argument. */
export type Next = (error?: unknown) => void;

/** Fits `app.use`, and bare `node:http` with a `next` of its own. */
export type Middleware = (req: AppRequest, res: AppResponse, next: Next) => void;

/** A function of the request, which may say that it takes Express' own `Request`: that is what it is given there. */
export type OfRequest<Rest extends unknown[], R> = {
  method(req: AppRequest, ...rest: Rest): R;
}['method'];

/** A fixed value, or one worked out per request, once the response is over. */
export type PerRequest<T> = T | OfRequest<[res: AppResponse], T | undefined>;

/** `req.phospho`: the task of this request, from within its handler. */
export interface RequestHandle {
  /** The id that the task has, or will have if the exchange turns out to be one with a model. */
  readonly taskId: string;
  /**
   * Lets an end user flag this task; see `POST /phospho/flag`. With the option `feedback.bind` it is empty if that
   * failed, or if the response was over when it was first asked for.
   */
  readonly feedbackToken: string;
  /** Overrules what was found in the request; may be called until the response has ended. */
  set(fields: TaskFields): void;
  /** This request leaves no record, and no headers of ours if called before the head is written. */
  skip(): void;
  /**
   * Aborts when the client leaves before the answer is complete: give it to the model's SDK, and nobody pays for
   * an answer that nobody reads. It never aborts where the answer arrived.
   *
   * @example
   * ```ts
   * import type { Request } from 'express';
   *
   * const ask = (req: Request) => fetch('https://example.com', { signal: req.phospho?.signal ?? null });
   * ```
   */
  readonly signal: AbortSignal;
  /**
   * Runs a function as a step of this request's task, and returns what it returns; what it awaits, yields or
   * throws is recorded as `wrap` does. Works, too, where a body parser has lost the async context.
   */
  step<R>(name: string, run: () => R): R;
  /**
   * Task id and feedback token as an event of a `text/event-stream`, for routes that want them in band:
   * `event: phospho`, its data `{"task_id", "feedback_token"}`, with the empty line at its end.
   */
  sseEvent(): string;
}

/** Options of `phospho.middleware()`. */
export interface MiddlewareOptions {
  /**
   * Routes to capture whatever the shape of their bodies: exact paths, or prefixes that end in `*`, or a
   * function of the request. Paths match as Express routes do by default: in any case, with or without a
   * slash at the end. Without it, only exact LLM shapes count. Default: none.
   */
  include?: readonly string[] | OfRequest<[], boolean>;
  /** Routes never to capture; stronger than `include`, also where the function throws. Default: none. */
  exclude?: readonly string[] | OfRequest<[], boolean>;
  /** The conversation. Default: looked for in body, headers, query and express-session. */
  sessionId?: PerRequest<string>;
  /** The end user. Default: `req.user.id`, then `req.auth.sub`. */
  userId?: PerRequest<string>;
  /** The app's version. Default: the Phospho's. */
  versionId?: PerRequest<string>;
  /** Replaces the captured input. */
  input?: PerRequest<string>;
  /** Replaces the captured output. */
  output?: PerRequest<string>;
  /** Added to the task's metadata. */
  metadata?: PerRequest<JsonObject>;
  /**
   * Which part of the conversations to record: a rate from 0 to 1, or true or false. A rate is applied to the
   * session, so that a conversation is whole or absent, in all replicas alike; without a session, to the task.
   * What is left out waits in memory (2000 tasks, 8 MiB), and is sent if it is flagged here, or ended in an
   * error. Default: all.
   */
  sample?: PerRequest<number | boolean>;
  /**
   * More masks for these tasks and the ones opened within them, applied after the Phospho's, which stay.
   * Default: none.
   */
  mask?: Mask | readonly Mask[];
  /**
   * `metadata`: no texts of these tasks. It can narrow the Phospho's `capture`, and that of a
   * middleware mounted before it, not widen them. Default: `full`.
   */
  capture?: Capture;
  /**
   * Request headers to record, as `metadata.headers`; each 1024 characters at most. Names that tell of a
   * credential are refused. Default: none.
   */
  headers?: readonly string[];
  /**
   * `headers`: captured responses carry `X-Phospho-Task-Id` and `X-Phospho-Feedback-Token`, save where
   * Cache-Control is public; requests of another origin are told by `Access-Control-Expose-Headers` that their
   * page may read both. `none`: our middleware changes nothing. Default: `headers`, since a page needs both to
   * send feedback.
   */
  publish?: 'headers' | 'none';
  /**
   * For platforms that freeze the process once a response has ended, such as AWS Lambda: holds the `end()` of
   * each captured response until its task has been delivered, for `timeoutMs` at most (1 to 30000; `true`:
   * 2000, as a delivery takes well under a second unless the server is down). Chunks written before pass at
   * once, and other responses are never held. It is the one case in which anything waits for us; where the
   * platform has a `waitUntil`, prefer the option of that name. Default: false.
   */
  flushBeforeEnd?: boolean | { timeoutMs?: number };
  /**
   * Whether a request may say, by `phospho.contextHeaders()` of the process that sends it, which task it is part
   * of, and of which session and user: `true` only where no request comes from outside, else a function that
   * knows your own processes. Default: false, since anybody can send a header.
   */
  trustContext?: boolean | OfRequest<[], boolean>;
  /**
   * Formats of requests and answers beside the known ones, asked before these; they also count for what is
   * wrapped or decorated and called within a request. One that throws counts as not recognising, and is
   * reported once. Default: none.
   */
  formats?: readonly Format[];
}

declare global {
  namespace Express {
    interface Request {
      /** Set by `phospho.middleware()`. */
      phospho?: RequestHandle;
    }
  }
}
