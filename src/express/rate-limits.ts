import { isIP } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import type { Store } from 'express-rate-limit';
import { FeedbackRefusal } from '../feedback/flag-request.ts';
import { describeError } from '../internal/hooks.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { CountsInMemory } from './counts-in-memory.ts';
import type { FeedbackLimits } from './feedback-options.ts';
import type { AppRequest, AppResponse } from './types.ts';

/** A minute. A person changes their mind now and then; a house or office shares an address. */
const PER_TOKEN = 30;
const PER_ADDRESS = 300;
const WINDOW_MS = 60_000;
/** Longer than a store takes that works: nobody waits for one that hangs. */
const STORE_WAIT_MS = 2_000;
/** And for so long nobody asks it again. */
const STORE_REST_MS = 30_000;

/** Bounds what the tokens of one task and one address may do. Throws a FeedbackRefusal that says when to come back. */
export class RateLimits {
  #limiters: Promise<{ address: RequestHandler; token: RequestHandler }> | undefined;
  /** The task that a request is about; express-rate-limit only hands over the request. */
  readonly #taskOf = new WeakMap<object, string>();
  readonly #logger: GuardedLogger;
  readonly #limits: FeedbackLimits;
  /** A store that hangs is left alone until then, on the monotonic clock. */
  #restsUntil = 0;

  constructor(logger: GuardedLogger, limits: FeedbackLimits = {}) {
    this.#logger = logger;
    this.#limits = limits;
  }

  async checkAddress(req: AppRequest, res: AppResponse): Promise<void> {
    const { address } = await this.#load();
    await this.#pass(address, req, res);
  }

  /** By the task, and not by the token itself: a store that others read holds no credentials. */
  async checkTask(req: AppRequest, res: AppResponse, taskId: string): Promise<void> {
    const { token } = await this.#load();
    this.#taskOf.set(req, taskId);
    await this.#pass(token, req, res);
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
        // A store that is down must not cost a flag.
        passOnStoreError: true,
        logger: { error: (error) => this.#storeFailed(error), warn: () => {} },
      } satisfies Parameters<typeof rateLimit>[0];
      return {
        address: this.#withStore('address', (store) =>
          rateLimit({
            ...common,
            ...store,
            limit: this.#limits.perAddress ?? PER_ADDRESS,
            keyGenerator: (req) => {
              this.#warnOfProxies(req);
              return ipKeyGenerator(addressOf(req), IPV6_SUBNET);
            },
          }),
        ),
        token: this.#withStore('token', (store) =>
          rateLimit({
            ...common,
            ...store,
            limit: this.#limits.perToken ?? PER_TOKEN,
            keyGenerator: (req) => this.#taskOf.get(req) ?? addressOf(req),
          }),
        ),
      };
    });
    return this.#limiters;
  }

  /** In the app's store; in memory where that cannot be made, or is none. */
  #withStore(
    name: 'token' | 'address',
    make: (store: { store: Store }) => RequestHandler,
  ): RequestHandler {
    if (this.#limits.store) {
      try {
        return make({ store: this.#limits.store(name) });
      } catch (error) {
        this.#storeFailed(error);
      }
    }
    return make({ store: new CountsInMemory(WINDOW_MS) });
  }

  #pass(limiter: RequestHandler, req: AppRequest, res: AppResponse): Promise<void> {
    if (performance.now() < this.#restsUntil) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const hangs = setTimeout(() => {
        this.#restsUntil = performance.now() + STORE_REST_MS;
        this.#storeFailed(new Error(`no answer within ${STORE_WAIT_MS} ms`));
        resolve();
      }, STORE_WAIT_MS).unref();
      const next = (error?: unknown): void => {
        clearTimeout(hangs);
        if (error === undefined) resolve();
        else reject(error);
      };
      void limiter(req as Request, res as Response, next);
    });
  }

  #storeFailed(error: unknown): void {
    const message = `feedback.limits.store failed, so flags are not limited by it until it works: ${describeError(error)}`;
    this.#logger.once('limits.store', 'error', message);
  }

  #warnOfProxies(req: Request): void {
    // Bare `node:http` knows no such setting: addresses are those of sockets.
    const app = req.app as Request['app'] | undefined;
    const trusted: unknown = app?.get('trust proxy');
    if (app && !trusted && req.headers['x-forwarded-for'] !== undefined) {
      this.#logger.once(
        'trust proxy off',
        'warn',
        "a flag came with X-Forwarded-For, and 'trust proxy' is off, so the feedback route counts by the proxy's address, which all users share: if it is your proxy's header, app.set('trust proxy', …) to the number of proxies, or to their addresses",
      );
    }
    if (trusted !== true) return;
    this.#logger.once(
      'trust proxy',
      'warn',
      "'trust proxy' is true, so whoever sends X-Forwarded-For picks the address that the feedback route counts by; set it to the number of proxies, or to their addresses",
    );
  }
}

/** What a home is given: all its addresses count as one. */
const IPV6_SUBNET = 56;

/** Of what is no address at all: enough to tell it apart, and not all that fits a header. */
const MAX_ADDRESS_LENGTH = 64;

/** Express works the address out as `trust proxy` says; bare `node:http` has the socket's alone. */
function addressOf(req: Request): string {
  const address = req.ip ?? req.socket.remoteAddress ?? 'unknown';
  if (isIP(address)) return address;
  // Some proxies say the port too, which is another one for each connection.
  const [, ipv6, ipv4] = /^(?:\[([^\]]+)\]|([\d.]+)):\d+$/.exec(address) ?? [];
  return (ipv6 ?? ipv4 ?? address).slice(0, MAX_ADDRESS_LENGTH);
}

function refuse(req: Request, res: Response, next: (error?: unknown) => void): void {
  const seconds = secondsUntil(
    (req as Request & { phosphoRateLimit?: { resetTime?: unknown } }).phosphoRateLimit?.resetTime,
  );
  res.setHeader('Retry-After', String(seconds));
  next(new FeedbackRefusal('too_many_requests', `too many flags; try again in ${seconds} s`));
}

/** From 1 to the window's: a store of the app may say anything, or nothing. */
function secondsUntil(resetTime: unknown): number {
  const at = resetTime instanceof Date ? resetTime.getTime() : Number.NaN;
  const seconds = Math.ceil((at - Date.now()) / 1000);
  return Number.isNaN(seconds)
    ? WINDOW_MS / 1000
    : Math.min(Math.max(seconds, 1), WINDOW_MS / 1000);
}
