import type { Request, RequestHandler, Response } from 'express';
import { FeedbackRefusal } from '../feedback/flag-request.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import type { AppRequest, AppResponse } from './types.ts';

/** Flags a minute: a person changes their mind now and then; a house or office shares an address. */
const PER_TOKEN = 30;
const PER_ADDRESS = 300;
const WINDOW_MS = 60_000;

/** Bounds what one token and one address may do. Throws a FeedbackRefusal that says when to come back. */
export class RateLimits {
  #limiters: Promise<{ address: RequestHandler; token: RequestHandler }> | undefined;
  /** The key that the token limiter counts under; express-rate-limit only hands over the request. */
  readonly #tokenOf = new WeakMap<object, string>();
  readonly #logger: GuardedLogger;

  constructor(logger: GuardedLogger) {
    this.#logger = logger;
  }

  async checkAddress(req: AppRequest, res: AppResponse): Promise<void> {
    const { address } = await this.#load();
    await pass(address, req, res);
  }

  async checkToken(req: AppRequest, res: AppResponse, token: string): Promise<void> {
    const { token: limiter } = await this.#load();
    this.#tokenOf.set(req, token);
    await pass(limiter, req, res);
  }

  /** Loaded with the first flag: most processes that start never see one. */
  #load(): Promise<{ address: RequestHandler; token: RequestHandler }> {
    this.#limiters ??= import('express-rate-limit').then(({ rateLimit, ipKeyGenerator }) => {
      const common = {
        windowMs: WINDOW_MS,
        standardHeaders: false,
        legacyHeaders: false,
        requestPropertyName: 'phosphoRateLimit',
        handler: refuse,
        // Its own checks speak to the console, and expect an Express app around the request.
        validate: false,
      } as const;
      return {
        address: rateLimit({
          ...common,
          limit: PER_ADDRESS,
          keyGenerator: (req) => {
            this.#warnOfProxies(req);
            return ipKeyGenerator(addressOf(req), IPV6_SUBNET);
          },
        }),
        token: rateLimit({
          ...common,
          limit: PER_TOKEN,
          keyGenerator: (req) => this.#tokenOf.get(req) ?? addressOf(req),
        }),
      };
    });
    return this.#limiters;
  }

  #warnOfProxies(req: Request): void {
    if ((req.app as Request['app'] | undefined)?.get('trust proxy') !== true) return;
    this.#logger.once(
      'trust proxy',
      'warn',
      "'trust proxy' is true, so whoever sends X-Forwarded-For picks the address that the feedback route counts by; set it to the number of proxies, or to their addresses",
    );
  }
}

/** What a home is given: all its addresses count as one. */
const IPV6_SUBNET = 56;

/** Express works the address out as `trust proxy` says; bare `node:http` has the socket's alone. */
function addressOf(req: Request): string {
  return req.ip ?? req.socket.remoteAddress ?? 'unknown';
}

function refuse(req: Request, res: Response, next: (error?: unknown) => void): void {
  const { resetTime } =
    (req as Request & { phosphoRateLimit?: { resetTime?: Date } }).phosphoRateLimit ?? {};
  const waitMs = (resetTime?.getTime() ?? Date.now() + WINDOW_MS) - Date.now();
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  res.setHeader('Retry-After', String(seconds));
  next(new FeedbackRefusal('too_many_requests', `too many flags; try again in ${seconds} s`));
}

function pass(limiter: RequestHandler, req: AppRequest, res: AppResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
    void limiter(req as Request, res as Response, next);
  });
}
