import type { Express, Request, RequestHandler, Response, Router } from 'express';
import { uuidv7 } from '../../internal/ids.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import { DASHBOARD_PATH, type Dashboard } from '../dashboard/dashboard.ts';
import type { Context, Route } from '../routes/route.ts';
import { ROUTES } from '../routes/routes.ts';
import { assertProject, keyMissing, keyOf } from './authenticate.ts';
import { type BodyReader, bodyReader } from './body.ts';
import { errorHandler } from './errors.ts';
import { guardHost } from './host-guard.ts';
import { HttpError } from './http-error.ts';

/** The parts of the `express` module that are used: version 4 and 5 both fit. */
export interface ExpressModule {
  (): Express;
  Router(): Router;
  json(options: { limit: number; strict: boolean }): RequestHandler;
}

export interface AppOptions extends Context {
  host: string;
  allowedHosts: readonly string[];
  maxBodyBytes: number;
  logger: GuardedLogger;
  dashboard: Dashboard;
}

/** A body of a request that brings no key. */
const KEYLESS_BODY_BYTES = 16 * 1024;

/** The Express app: the routes under `/v2`, `/health` beside it, and the dashboard. */
export function buildApp(express: ExpressModule, options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(commonHeaders, guardHost(options.host, options.allowedHosts));
  const bodies = {
    keyed: bodyReader(express.json({ limit: options.maxBodyBytes, strict: true })),
    keyless: bodyReader(express.json({ limit: KEYLESS_BODY_BYTES, strict: true })),
  };
  const v2 = express.Router();
  for (const route of ROUTES) {
    const handler = serve(route, options, bodies);
    const method = route.method === 'GET' ? 'get' : 'post';
    v2[method](route.path, handler);
    if (route.path === '/health') app[method](route.path, handler);
  }
  refuseOtherMethods(v2);
  app.use('/v2', v2);
  app.use(DASHBOARD_PATH, options.dashboard.mount(express.Router(), bodies.keyless));
  app.get('/', (req, res, next) => {
    if (req.accepts(['json', 'html']) !== 'html') return next();
    res.redirect(303, `${req.baseUrl}${DASHBOARD_PATH}`);
  });
  app.use((req) => {
    throw new HttpError(404, `No such route: ${req.method} ${req.path}`);
  });
  app.use(errorHandler(options.logger));
  return app;
}

const commonHeaders: RequestHandler = (_req, res, next) => {
  res.set({
    'x-request-id': uuidv7(),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    // Request bodies may come compressed so. phospho's own service takes none, hence the client asks.
    'x-phospho-accept-encoding': 'gzip',
  });
  next();
};

function refuseOtherMethods(router: Router): void {
  for (const path of new Set(ROUTES.map((route) => route.path))) {
    const methods = ROUTES.filter((route) => route.path === path).map((route) => route.method);
    const allow = methods.includes('GET') ? ['HEAD', ...methods] : methods;
    router.all(path, (req) => {
      throw new HttpError(405, `${req.method} is not allowed here; ${allow.join(', ')} is`, {
        allow: allow.join(', '),
      });
    });
  }
}

/** Express 4 does not see a handler's rejection, so it is passed on by hand. */
function serve(
  route: Route,
  context: Context,
  bodies: { keyed: BodyReader; keyless: BodyReader },
): RequestHandler {
  return (req, res, next) => {
    answer(route, context, bodies, req, res).then((body) => {
      if (!res.destroyed) res.json(body);
    }, next);
  };
}

/** The key is checked before the body is read: a stranger cannot make us hold 32 MiB. */
async function answer(
  route: Route,
  context: Context,
  bodies: { keyed: BodyReader; keyless: BodyReader },
  req: Request,
  res: Response,
): Promise<unknown> {
  const { params, query } = req as { params: Record<string, string>; query: unknown };
  if (route.access === 'open') return route.handle({ ...context, params, query });
  const key = await keyOf(req, context.store.projects);
  if (key === undefined && !(route.access === 'key-or-public' && context.publicFlags)) {
    throw keyMissing();
  }
  const { project_id } = params;
  if (key !== undefined && project_id !== undefined) assertProject(key, project_id);
  const read = key === undefined ? bodies.keyless : bodies.keyed;
  const body = route.method === 'POST' ? await read(req, res) : undefined;
  const call = { ...context, params, query, body, gone: goneSignal(res) };
  if (route.access === 'key-or-public') return route.handle({ ...call, key });
  if (key === undefined) throw keyMissing();
  return route.handle({ ...call, key });
}

/** Aborts when the caller hangs up before the answer. */
function goneSignal(res: Response): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => controller.abort());
  return controller.signal;
}
