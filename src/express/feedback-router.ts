import { PhosphoConfigError } from '../errors.ts';
import {
  type Feedback,
  FeedbackRefusal,
  type FlagRequest,
  readFlagRequest,
} from '../feedback/flag-request.ts';
import type { FeedbackTokens } from '../feedback/token.ts';
import { describeError, isThenable } from '../internal/hooks.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { checkNames, expectType } from '../option-checks.ts';
import type { Flag } from '../types.ts';
import { bindingOf } from './binding.ts';
import { answerPreflight, checkOrigin, isPreflight } from './cors.ts';
import type { FeedbackOptions, RouterOptions } from './feedback-options.ts';
import { RateLimits } from './rate-limits.ts';
import { readFeedbackBody } from './read-body.ts';
import type { AppRequest, AppResponse, Middleware, Next } from './types.ts';
import { sendWidgetScript } from './widget-script.ts';

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
  const { path, onFlag } = checkRouterOptions(options);
  const route = `${path}/flag`;
  const script = `${path}/widget.js`;
  const limits = new RateLimits(door.logger, door.options.limits);
  return function phosphoRouter(req: AppRequest, res: AppResponse, next: Next): void {
    const requested = (req.url ?? '').split('?', 1)[0]?.replace(/\/$/, '');
    if (requested === script && (req.method === 'GET' || req.method === 'HEAD')) {
      req.phospho?.skip();
      sendWidgetScript(req, res)
        .catch((error: unknown) => refuse(door, req, res, error))
        .catch((error: unknown) => leaveUnanswered(door, req, error));
      return;
    }
    if (requested !== route || (req.method === 'OPTIONS' && !isOurs(door, req))) {
      next();
      return;
    }
    // A middleware that captures every path must not record tokens, nor offer one for this answer.
    req.phospho?.skip();
    takeFlag(door, limits, req, res)
      .then(
        (feedback) => {
          if (feedback === undefined) return;
          try {
            answer(res, 202, { task_id: feedback.taskId, flag: feedback.flag });
          } finally {
            if (onFlag) tellApp(door, onFlag, feedback, req);
          }
        },
        (error: unknown) => refuse(door, req, res, error),
      )
      .catch((error: unknown) => leaveUnanswered(door, req, error));
  };
}

/** Without a list of origins a preflight is for the app's CORS middleware to answer. */
function isOurs({ options }: FeedbackDoor, req: AppRequest): boolean {
  return options.origins !== undefined && isPreflight(req);
}

function tellApp(
  door: FeedbackDoor,
  onFlag: NonNullable<RouterOptions['onFlag']>,
  feedback: Feedback,
  req: AppRequest,
): void {
  const fail = (error: unknown): void =>
    door.logger.once('onFlag', 'error', `onFlag of router() failed: ${describeError(error)}`);
  try {
    const told = onFlag({ ...feedback }, req);
    if (isThenable(told)) told.then(undefined, fail);
  } catch (error) {
    fail(error);
  }
}

const NAMES = new Set<string>(['path', 'onFlag'] satisfies (keyof RouterOptions)[]);

function checkRouterOptions(options: RouterOptions): { path: string } & RouterOptions {
  checkNames('router()', options, NAMES);
  const { path = '/phospho', onFlag } = options;
  expectType('onFlag of router()', onFlag, 'function');
  if (typeof path !== 'string' || !/^\/[^?#]*$/.test(path)) {
    throw new PhosphoConfigError(
      `option path of router() must be a string such as "/phospho", got ${describeError(path)}`,
    );
  }
  return { ...options, path: path.replace(/\/+$/, '') };
}

async function takeFlag(
  door: FeedbackDoor,
  limits: RateLimits,
  req: AppRequest,
  res: AppResponse,
): Promise<Feedback | undefined> {
  if (req.method !== 'POST' && !isOurs(door, req)) {
    res.setHeader('Allow', 'POST');
    throw new FeedbackRefusal('method_not_allowed', 'send feedback by POST');
  }
  checkOrigin(door.options.origins, req, res);
  if (req.method === 'OPTIONS') {
    answerPreflight(res);
    return undefined;
  }
  await limits.checkAddress(req, res);
  const request = readFlagRequest(await readFeedbackBody(req), (raw) => flagOf(door, raw));
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
    if (!(await isAuthorized(door, authorize, req, feedback))) {
      throw new FeedbackRefusal('unauthorized', 'you may not flag this task');
    }
    await limits.checkTask(req, res, feedback.taskId);
    return feedback;
  }
  if (token !== undefined) {
    const check = door.tokens().check(token, { bind: binding(door, req) });
    if (!check.ok) throw new FeedbackRefusal(check.code, TOKEN_MESSAGES[check.code]);
    if (taskId !== undefined && taskId !== check.taskId) {
      throw new FeedbackRefusal('task_mismatch', 'the token is for another task');
    }
    await limits.checkTask(req, res, check.taskId);
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
  await limits.checkTask(req, res, bareId);
  return { taskId: bareId, flag, notes };
}

/** What the app takes a raw flag for; a function that fails says nothing. */
function flagOf({ options, logger }: FeedbackDoor, raw: unknown): Flag | undefined {
  if (options.rawFlagToFlag === undefined) return undefined;
  try {
    const flag: unknown = options.rawFlagToFlag(raw);
    if (flag === undefined || flag === 'success' || flag === 'failure') return flag;
    const said = 'answered neither "success" nor "failure" nor undefined';
    logger.once('rawFlagToFlag', 'error', `feedback.rawFlagToFlag ${said}`);
  } catch (error) {
    const message = `feedback.rawFlagToFlag failed: ${describeError(error)}`;
    logger.once('rawFlagToFlag', 'error', message);
  }
  return undefined;
}

/** Whom the token must be tied to; where that cannot be told, nobody may flag. */
function binding({ options, logger }: FeedbackDoor, req: AppRequest): string | undefined {
  try {
    return bindingOf(options.bind, req);
  } catch (error) {
    const message = `feedback.bind failed, so nobody may flag: ${describeError(error)}`;
    logger.once('bind', 'error', message);
    throw new FeedbackRefusal('unauthorized', 'it cannot be told whose token this is');
  }
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
  token_invalid: 'the token is not one of ours, or is for another user or session',
  token_expired: 'the token has expired',
};

function needTaskId(taskId: string | undefined): string {
  if (taskId === undefined) throw new FeedbackRefusal('invalid_body', 'task_id is missing');
  return taskId;
}

function refuse(door: FeedbackDoor, req: AppRequest, res: AppResponse, error: unknown): void {
  if (error instanceof FeedbackRefusal) {
    // What is left of its body is nothing that anybody wants to read. HTTP/2 has no such header, and warns of it.
    if (!req.complete && req.httpVersionMajor < 2) res.setHeader('Connection', 'close');
    answer(res, error.status, { error: { code: error.code, message: error.message } });
    return;
  }
  // A request that was read to its end counts as destroyed; whoever sent it still waits for an answer.
  if (req.socket.destroyed) return;
  door.logger.once('feedback', 'error', `the feedback route failed: ${describeError(error)}`);
  answer(res, 500, { error: { code: 'internal', message: 'feedback could not be taken' } });
}

/** What the app has put around the response has thrown. Nobody else would handle it, or end the client's wait. */
function leaveUnanswered({ logger }: FeedbackDoor, { socket }: AppRequest, error: unknown): void {
  const message = `the feedback route could not answer: ${describeError(error)}`;
  logger.once('feedback answer', 'error', message);
  socket.destroy();
}

function answer(res: AppResponse, status: number, body: object): void {
  if (res.headersSent) return;
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  // An answer that somebody opens as a page must not be taken for one.
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.end(JSON.stringify(body));
}
