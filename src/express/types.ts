import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TaskFields } from '../capture/task.ts';
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
  phospho?: RequestHandle;
}

export type AppResponse = ServerResponse;

/** What an Express route calls its third argument. */
export type Next = (error?: unknown) => void;

/** Fits `app.use`, and bare `node:http` with a `next` of its own. */
export type Middleware = (req: AppRequest, res: AppResponse, next: Next) => void;

/** A fixed value, or one worked out per request, once the response is over. */
export type PerRequest<T> = T | ((req: AppRequest, res: AppResponse) => T | undefined);

/** `req.phospho`: the task of this request, from within its handler. */
export interface RequestHandle {
  /** The id that the task has, or will have if the exchange turns out to be one with a model. */
  readonly taskId: string;
  /** Lets an end user flag this task; see `POST /phospho/flag`. */
  readonly feedbackToken: string;
  /** Overrules what was found in the request; may be called until the response has ended. */
  set(fields: TaskFields): void;
  /** This request leaves no record, and no headers of ours if called before the head is written. */
  skip(): void;
}

/** Options of `phospho.middleware()`. */
export interface MiddlewareOptions {
  /**
   * Routes to capture whatever the shape of their bodies: exact paths, or prefixes that end in `*`, or a
   * function of the request. Paths match as Express routes do by default: in any case, with or without a
   * slash at the end. Without it, only exact LLM shapes count. Default: none.
   */
  include?: readonly string[] | ((req: AppRequest) => boolean);
  /** Routes never to capture; stronger than `include`, also where the function throws. Default: none. */
  exclude?: readonly string[] | ((req: AppRequest) => boolean);
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
   * `headers`: captured responses carry `X-Phospho-Task-Id` and `X-Phospho-Feedback-Token`, save where
   * Cache-Control is public. `none`: our middleware changes nothing. Default: `headers`, since a page
   * needs both to send feedback.
   */
  publish?: 'headers' | 'none';
}

declare global {
  namespace Express {
    interface Request {
      /** Set by `phospho.middleware()`. */
      phospho?: RequestHandle;
    }
  }
}
