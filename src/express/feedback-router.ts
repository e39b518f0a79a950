import { PhosphoConfigError } from '../errors.ts';
import {
  type Feedback,
  FeedbackRefusal,
  type FlagRequest,
  readFlagRequest,
} from '../feedback/flag-request.ts';
import type { FeedbackTokens } from '../feedback/token.ts';
import { describeError } from '../internal/hooks.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { RateLimits } from './rate-limits.ts';
import { readFeedbackBody } from './read-body.ts';
import type { AppRequest, AppResponse, Middleware, Next } from './types.ts';
import { sendWidgetScript } from './widget-script.ts';

/** Options of `new Phospho({ feedback })`. */
export interface FeedbackOptions {
  /**
   * Signs the tokens that let end users flag their tasks; at least 32 characters. In a list the first one
   * signs and all are accepted, so that a secret can be changed without losing a flag. Every replica of
   * an app needs the same. Default: `PHOSPHO_FEEDBACK_SECRET`; else derived from the API key; else random
   * for this process.
   */
  secret?: string | readonly string[];
  /**
   * Decides who may flag, in place of tokens: for apps whose users are logged in. True lets it pass; if it
   * throws, the flag is refused.
   */
  authorize?: (req: AppRequest, feedback: Feedback) => boolean | Promise<boolean>;
  /**
   * Accepts a task id without a token, if this process issued it lately. Whoever learns an id can then flag
   * its task. Default: false.
   */
  acceptBareIds?: boolean;
  /**
   * Origins whose pages may send feedback, e.g. `https://app.example.com`. Browsers send it truthfully,
   * nobody else has to. Default: any.
   */
  origins?: readonly string[];
}

/** Options of `phospho.router()`. */
export interface RouterOptions {
  /** Where its routes are, below where it is mounted. Default: `/phospho`. */
  path?: string;
}

/** What the route needs of the rest of the package. */
export interface FeedbackDoor {
  logger: GuardedLogger;
  tokens(): FeedbackTokens;
  isReady(): boolean;
  /** Whether this process issued the task. */
  knows(taskId: string): boolean;
  submit(feedback: Feedback): void;
  options: FeedbackOptions;
}

/** See `Phospho.router`. */
export function createFeedbackRouter(door: FeedbackDoor, options: RouterOptions): Middleware {
  const path = checkPath(options);
  const route = `${path}/flag`;
  const script = `${path}/widget.js`;
  const limits = new RateLimits(door.logger);
  return function phosphoRouter(req: AppRequest, res: AppResponse, next: Next): void {
    const requested = (req.url ?? '').split('?', 1)[0]?.replace(/\/$/, '');
    if (requested === script && (req.method === 'GET' || req.method === 'HEAD')) {
      sendWidgetScript(req, res).catch((error: unknown) => refuse(door, req, res, error));
      return;
    }
    // A preflight is for the app's CORS middleware to answer.
    if (requested !== route || req.method === 'OPTIONS') {
      next();
      return;
    }
    takeFlag(door, limits, req, res).then(
      (feedback) => answer(res, 202, { task_id: feedback.taskId, flag: feedback.flag }),
      (error: unknown) => refuse(door, req, res, error),
    );
  };
}

function checkPath({ path = '/phospho', ...others }: RouterOptions): string {
  for (const name of Object.keys(others)) {
    throw new PhosphoConfigError(`router() has no option "${name}"; it takes: path`);
  }
  if (typeof path === 'string' && /^\/[^?#]*$/.test(path)) return path.replace(/\/+$/, '');
  throw new PhosphoConfigError(
    `option path of router() must be a string such as "/phospho", got ${describeError(path)}`,
  );
}

async function takeFlag(
  door: FeedbackDoor,
  limits: RateLimits,
  req: AppRequest,
  res: AppResponse,
): Promise<Feedback> {
  if (req.method !== 'POST') {
    res.setHeader('Allow', 'POST');
    throw new FeedbackRefusal('method_not_allowed', 'send feedback by POST');
  }
  checkOrigin(door.options.origins, req);
  await limits.checkAddress(req, res);
  const request = readFlagRequest(await readFeedbackBody(req));
  const feedback = await admit(door, limits, req, res, request);
  if (!door.isReady()) {
    throw new FeedbackRefusal('not_configured', 'this app has no API key for feedback');
  }
  door.submit(feedback);
  return feedback;
}

/** Who may flag which task: the app's own check, a token, or (opted in) a known id. */
async function admit(
  door: FeedbackDoor,
  limits: RateLimits,
  req: AppRequest,
  res: AppResponse,
  { flag, notes, token, taskId }: FlagRequest,
): Promise<Feedback> {
  const { authorize, acceptBareIds } = door.options;
  if (authorize) {
    const feedback = { taskId: needTaskId(taskId), flag, notes };
    if (await isAuthorized(door, authorize, req, feedback)) return feedback;
    throw new FeedbackRefusal('unauthorized', 'you may not flag this task');
  }
  if (token !== undefined) {
    const check = door.tokens().check(token);
    if (!check.ok) throw new FeedbackRefusal(check.code, TOKEN_MESSAGES[check.code]);
    if (taskId !== undefined && taskId !== check.taskId) {
      throw new FeedbackRefusal('task_mismatch', 'the token is for another task');
    }
    await limits.checkToken(req, res, token);
    return { taskId: check.taskId, flag, notes };
  }
  if (!acceptBareIds) {
    throw new FeedbackRefusal(
      'token_missing',
      'token is missing: send the one that came with the answer',
    );
  }
  const bareId = needTaskId(taskId);
  if (!door.knows(bareId)) throw new FeedbackRefusal('unknown_task', 'no such task');
  await limits.checkToken(req, res, bareId);
  return { taskId: bareId, flag, notes };
}

/** The app's own check; one that fails says no. */
async function isAuthorized(
  door: FeedbackDoor,
  authorize: NonNullable<FeedbackOptions['authorize']>,
  req: AppRequest,
  feedback: Feedback,
): Promise<boolean> {
  try {
    return (await authorize(req, { ...feedback })) === true;
  } catch (error) {
    const message = `feedback.authorize failed, so nobody may flag: ${describeError(error)}`;
    door.logger.once('authorize', 'error', message);
    return false;
  }
}

const TOKEN_MESSAGES = {
  token_invalid: 'the token is not one of ours',
  token_expired: 'the token has expired',
};

function needTaskId(taskId: string | undefined): string {
  if (taskId === undefined) throw new FeedbackRefusal('invalid_body', 'task_id is missing');
  return taskId;
}

function checkOrigin(origins: readonly string[] | undefined, req: AppRequest): void {
  const { origin } = req.headers;
  if (origins === undefined || origin === undefined || origins.includes(origin)) return;
  throw new FeedbackRefusal('origin', 'feedback from this origin is not accepted');
}

function refuse(door: FeedbackDoor, req: AppRequest, res: AppResponse, error: unknown): void {
  if (error instanceof FeedbackRefusal) {
    // An unread body would be taken for the next request on the connection.
    if (!req.complete) res.setHeader('Connection', 'close');
    answer(res, error.status, { error: { code: error.code, message: error.message } });
    return;
  }
  // A request that was read to its end counts as destroyed; whoever sent it still waits for an answer.
  if (req.socket.destroyed) return;
  door.logger.once('feedback', 'error', `the feedback route failed: ${describeError(error)}`);
  answer(res, 500, { error: { code: 'internal', message: 'feedback could not be taken' } });
}

function answer(res: AppResponse, status: number, body: object): void {
  if (res.headersSent) return;
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  res.end(JSON.stringify(body));
}
