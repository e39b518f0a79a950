import type { Store } from 'express-rate-limit';
import type { Feedback } from '../feedback/flag-request.ts';
import type { Flag } from '../types.ts';
import type { AppRequest, OfRequest } from './types.ts';

/** Options of `new Phospho({ feedback })`; see `docs/feedback.md`. */
export interface FeedbackOptions {
  /**
   * Signs the tokens that let end users flag their tasks; at least 32 characters. In a list the first one
   * signs and all are accepted, so that a secret can be changed without losing a flag. Every replica of
   * an app needs the same. Default: `PHOSPHO_FEEDBACK_SECRET`; else derived from the API key; else random
   * for this process.
   */
  secret?: string | readonly string[];
  /**
   * Ties each token to somebody: what it answers for the request that was answered must be the same for the
   * request that flags. A user's or a session's id, say; undefined: nobody, so that the token counts only where
   * it is undefined again. Synchronous; what it reads must be there before the head of an answer is written, and
   * before the router. If it throws, there is no token, or the flag is refused. Default: a token is good for
   * whoever has it.
   *
   * @example
   * ```ts
   * import type { Request } from 'express';
   * import session from 'express-session';
   *
   * const phospho = new Phospho({ feedback: { bind: (req: Request) => req.sessionID } });
   * app.use(session({ secret, resave: false, saveUninitialized: true }));
   * app.use(phospho.router());
   * ```
   */
  bind?: OfRequest<[], string | undefined>;
  /**
   * Decides who may flag, in place of tokens: for apps whose users are logged in. True lets it pass; if it
   * throws, the flag is refused. Where logins are cookies that other sites' pages may send, set `origins` too.
   */
  authorize?: OfRequest<[feedback: Feedback], boolean | Promise<boolean>>;
  /**
   * Accepts a task id without a token, if this process issued it lately. Whoever learns an id can then flag
   * its task. Not together with `bind`. Default: false.
   */
  acceptBareIds?: boolean;
  /**
   * Origins whose pages may send feedback, e.g. `https://app.example.com`; the app's own must be among them.
   * Browsers send it truthfully, nobody else has to. Pages of these origins may also read the answer, and
   * preflights are answered, unless the app does so itself. Default: any may send, and CORS is the app's.
   */
  origins?: readonly string[];
  /**
   * What `raw_flag` means, for pages that have more than two thumbs: a number of stars, say. Whatever JSON they
   * send comes in; undefined: the known thumbs count (👍 👎, "up", "down", true, false, 1, 0, -1). Default: those.
   *
   * @example
   * ```ts
   * const phospho = new Phospho({
   *   feedback: {
   *     rawFlagToFlag: (stars) =>
   *       typeof stars === 'number' ? (stars > 3 ? 'success' : 'failure') : undefined,
   *   },
   * });
   * ```
   */
  rawFlagToFlag?: (raw: unknown) => Flag | undefined;
  limits?: FeedbackLimits;
}

/** How many flags are taken; beyond, they are answered 429 with `Retry-After`. */
export interface FeedbackLimits {
  /** Flags of one task a minute; 1 to 1000000. Default: 30, since a person changes their mind now and then. */
  perToken?: number;
  /** Requests of one address a minute; 1 to 1000000. Default: 300, since an office shares one. */
  perAddress?: number;
  /**
   * Where to count, for replicas that are to count together: any store of express-rate-limit, one for each of
   * the two counts. While it fails, nothing is limited, and that is said once. Default: in memory, for each process;
   * the latest 20 000 addresses and as many tasks.
   *
   * @example
   * ```ts
   * import { RedisStore } from 'rate-limit-redis';
   *
   * const store = (name: string) =>
   *   new RedisStore({ prefix: `phospho:${name}:`, sendCommand: (...args) => redis.sendCommand(args) });
   * const phospho = new Phospho({ feedback: { limits: { store } } });
   * ```
   */
  store?: (name: 'token' | 'address') => Store;
}

/** Options of `phospho.router()`. */
export interface RouterOptions {
  /** Where its routes are, below where it is mounted. Default: `/phospho`. */
  path?: string;
  /**
   * Told of each flag that was taken, after the answer's fate is decided: to keep it in the app's own database,
   * say. The notes are as the user wrote them, unmasked. What it throws, or rejects with, is said once and
   * changes nothing. Default: none.
   */
  onFlag?: { method(feedback: Feedback, req: AppRequest): unknown }['method'];
}
