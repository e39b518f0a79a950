import type { Request, RequestHandler, Response, Router } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import * as z from 'zod';
import { DASHBOARD_TOKEN } from '../admin/actors.ts';
import type { BodyReader } from '../http/body.ts';
import { HttpError } from '../http/http-error.ts';
import { readBody } from '../inputs/read.ts';
import type { Changes } from '../model/changes.ts';
import type { Store } from '../store/store.ts';
import type { DashboardCall, DashboardRoute } from './api/route.ts';
import { assertProjectExists, DASHBOARD_ROUTES } from './api/routes.ts';
import { LiveStreams } from './live.ts';
import { Logins } from './login.ts';
import { sendAsset, sendPage } from './page.ts';
import { sameOriginWrites } from './same-origin.ts';

export interface DashboardParts {
  store: Store;
  changes: Changes;
  /** Whoever brings it is let in. */
  loginToken: string;
  defaultProject: string;
}

/** Where the dashboard is, below where the collector is mounted. */
export const DASHBOARD_PATH = '/dashboard';

/** The pages and their JSON API; see `wire.ts` for the latter. */
export class Dashboard {
  readonly #parts: DashboardParts;
  readonly #logins: Logins;
  readonly #live: LiveStreams;

  constructor(parts: DashboardParts) {
    this.#parts = parts;
    this.#logins = new Logins(parts.loginToken, parts.store.logins);
    this.#live = new LiveStreams(parts.changes, this.#logins);
  }

  /** How many pages are told of news. */
  get liveStreams(): number {
    return this.#live.size;
  }

  /** Ends the live streams, which would keep a server from closing. */
  close(): void {
    this.#live.close();
  }

  /** @param readJson - reads the bodies of whoever is not known yet: short ones */
  mount(router: Router, readJson: BodyReader): Router {
    router.use(PAGE_HEADERS, sameOriginWrites);
    router.post(
      '/api/session',
      loginRate(),
      passing((req, res) => this.#login(req, res, readJson)),
    );
    router.delete('/api/session', passing(this.#logout.bind(this)));
    router.use('/api', passing(this.#needLogin.bind(this)));
    router.get('/api/projects/:project/live', passing(this.#follow.bind(this)));
    for (const route of DASHBOARD_ROUTES) {
      router[route.method](
        `/api${route.path}`,
        passing((req, res) => this.#call(route, req, res, readJson)),
      );
    }
    router.use('/api', (req) => {
      throw new HttpError(404, `No such route: ${req.method} ${req.path}`);
    });
    router.get('/assets/:hash/:name', passing(sendAsset));
    router.get(/.*/, passing(sendPage));
    return router;
  }

  async #login(req: Request, res: Response, readJson: BodyReader): Promise<void> {
    const { token } = readBody(login, await readJson(req, res));
    if (!this.#logins.isToken(token)) {
      throw new HttpError(
        401,
        'This is not the login token of this collector. It is in the link that the collector printed when it started.',
      );
    }
    await this.#parts.store.audit.note('', {
      ...{ actor: DASHBOARD_TOKEN, act: 'dashboard.login', subject: 'dashboard' },
      details: { address: req.ip ?? null },
    });
    await this.#logins.start(req, res);
    res.status(204).end();
  }

  async #logout(req: Request, res: Response): Promise<void> {
    await this.#logins.end(req, res);
    this.#live.endOf(req);
    res.status(204).end();
  }

  async #needLogin(req: Request, _res: Response, next: () => void): Promise<void> {
    if (await this.#logins.isLoggedIn(req)) return next();
    throw new HttpError(401, 'Nobody is logged in here, or the login has expired. Log in again.');
  }

  async #follow(req: Request, res: Response): Promise<void> {
    const projectId = String(req.params.project);
    await assertProjectExists({ store: this.#parts.store, projectId });
    this.#live.open(req, res, projectId);
  }

  async #call(
    route: DashboardRoute,
    req: Request,
    res: Response,
    readJson: BodyReader,
  ): Promise<void> {
    const { store, defaultProject } = this.#parts;
    const call: DashboardCall = {
      store,
      defaultProject,
      baseUrl: `${req.protocol}://${req.headers.host}${req.baseUrl.slice(0, -DASHBOARD_PATH.length)}/v2`,
      projectId: String(req.params.project ?? ''),
      id: String(req.params.id ?? ''),
      query: req.query,
      body: route.method === 'post' ? await readJson(req, res) : undefined,
    };
    const answer = await route.handle(call);
    if (!res.destroyed) res.json(answer);
  }
}

const login = z.object({ token: z.string().max(512) });

/** A token of 256 bits cannot be guessed at any rate; one that a person has chosen might. */
function loginRate(): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: 30,
    standardHeaders: false,
    legacyHeaders: false,
    // Its own checks speak to the console.
    validate: false,
    keyGenerator: (req) => ipKeyGenerator(req.ip ?? ''),
    handler: (_req, _res, next) => {
      next(
        new HttpError(429, 'Too many attempts to log in. Wait a minute.', { 'retry-after': '60' }),
      );
    },
  });
}

/** Nothing but our own files runs or is shown, and markup only through the sanitiser's policy. */
const PAGE_HEADERS: RequestHandler = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      fontSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
      requireTrustedTypesFor: ["'script'"],
      trustedTypes: ['dompurify', "'allow-duplicates'"],
    },
  },
  referrerPolicy: { policy: 'no-referrer' },
  // It would be remembered for every port of this host name, and this server may well speak http only.
  strictTransportSecurity: false,
});

/** Express 4 does not see a handler's rejection, so it is passed on by hand. */
function passing(
  handle: (req: Request, res: Response, next: () => void) => Promise<void>,
): RequestHandler {
  return (req, res, next) => {
    handle(req, res, next).catch(next);
  };
}
