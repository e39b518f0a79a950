import type { Express, Request, RequestHandler, Response, Router } from 'express';
import type { GuardedLogger } from '../internal/logger.ts';
import { METRICS_CONTENT_TYPE } from '../internal/metrics-text.ts';
import { DASHBOARD_PATH, type Dashboard } from './dashboard/dashboard.ts';
import { assertProject, assertScope, keyMissing, keyOf, noteUse } from './http/authenticate.ts';
import { enterAdmin } from './http/authenticate-admin.ts';
import { type BodyReader, bodyReader } from './http/body.ts';
import { complaintsOf, errorHandler } from './http/errors.ts';
import { notRecorded } from './http/host-app.ts';
import { guardHost } from './http/host-guard.ts';
import { HttpError } from './http/http-error.ts';
import { observe, type RequestLogEntry } from './http/observe.ts';
import { SECURITY_HEADERS } from './http/security-headers.ts';
import type { UnderWay } from './http/under-way.ts';
import { readBody, readQuery } from './inputs/read.ts';
import type { FailedKeys } from './limits/failed-keys.ts';
import { assertMayReadMetrics } from './metrics/access.ts';
import { type Gauges, renderMetrics } from './metrics/render.ts';
import type { TrustedProxies } from './network/proxy.ts';
import { OTLP_PATHS, type OtlpParts, otlpHandler } from './otlp/handler.ts';
import type { Context, PublicCall, Route } from './routes/route.ts';
import { ROUTES } from './routes/routes.ts';

/** The parts of the `express` module that are used: version 4 and 5 both fit. */
export interface ExpressModule {
  (): Express;
  Router(): Router;
  json(options: { limit: number; strict: boolean }): RequestHandler;
  raw(options: { limit: number; type: () => boolean }): RequestHandler;
}

export interface AppOptions extends Context, Pick<OtlpParts, 'folder'> {
  host: string;
  behindProxy: TrustedProxies;
  embedded: boolean;
  underWay: UnderWay;
  allowedHosts: readonly string[];
  maxBodyBytes: number;
  logger: GuardedLogger;
  dashboard: Dashboard;
  metricsToken: string | undefined;
  gauges: () => Gauges;
  failedKeys: FailedKeys;
  requestLog: ((entry: RequestLogEntry) => void) | undefined;
}

type Entered = Context & Pick<AppOptions, 'failedKeys'>;

/** A body of a request that brings no key. */
const KEYLESS_BODY_BYTES = 16 * 1024;

/** The Express app: the routes under `/v2`, some at the root, `/metrics`, and the dashboard. */
export function buildApp(express: ExpressModule, options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  // Left unset, an app that it is mounted in decides.
  if (options.behindProxy !== undefined) app.set('trust proxy', options.behindProxy);
  app.use(notRecorded, observe(options.meter, options.requestLog));
  app.use(SECURITY_HEADERS, COMMON_HEADERS, options.underWay.enter);
  // In another app, that app decides which names it goes by.
  if (!options.embedded) app.use(guardHost(options.host, options.allowedHosts));
  const bodies = {
    keyed: readerOf(express, options.maxBodyBytes),
    keyless: readerOf(express, KEYLESS_BODY_BYTES),
  };
  const v2 = express.Router();
  for (const route of ROUTES) {
    const handler = serve(route, options, bodies);
    const method = route.method.toLowerCase() as Lowercase<Route['method']>;
    for (const root of route.roots ?? ['/v2'])
      (root === '' ? app : v2)[method](route.path, handler);
  }
  refuseOtherMethods(v2);
  app.use('/v2', v2);
  const complain = complaintsOf(options.logger);
  const raw = express.raw({ limit: options.maxBodyBytes, type: () => true });
  for (const [path, isStandard] of OTLP_PATHS) {
    app.post(path, otlpHandler({ ...options, isStandard, read: raw, complain }));
  }
  app.get('/metrics', metricsHandler(options));
  app.use(DASHBOARD_PATH, options.dashboard.mount(express.Router(), bodies.keyless));
  app.get('/', (req, res, next) => {
    if (req.accepts(['json', 'html']) !== 'html') return next();
    res.redirect(303, `${req.baseUrl}${DASHBOARD_PATH}`);
  });
  app.use((req) => {
    const isBelow = req.path.startsWith('/v2/');
    throw new HttpError(
      404,
      `No such route: ${req.method} ${req.path}${isBelow ? '' : `. The API is below ${req.baseUrl}/v2, which PHOSPHO_BASE_URL ends with`}`,
    );
  });
  app.use(errorHandler(options.logger, complain));
  return app;
}

function readerOf(express: ExpressModule, limit: number): BodyReader {
  return bodyReader(express.json({ limit, strict: true }), limit);
}

const COMMON_HEADERS: RequestHandler = (_req, res, next) => {
  res.set({
    'cache-control': 'no-store',
    // Request bodies may come compressed so. phospho's own service takes none, hence the client asks.
    'x-phospho-accept-encoding': 'gzip',
  });
  next();
};

function metricsHandler(options: AppOptions): RequestHandler {
  const { metricsToken, meter, gauges, failedKeys } = options;
  return (req, res, next) => {
    failedKeys
      .guard(req, async () => assertMayReadMetrics(req, metricsToken))
      .then(() => {
        const text = renderMetrics(meter, gauges());
        res.set('content-type', METRICS_CONTENT_TYPE).send(text);
      })
      .catch(next);
  };
}

function refuseOtherMethods(router: Router): void {
  const below = ROUTES.filter(({ roots = ['/v2'] }) => roots.includes('/v2'));
  for (const path of new Set(below.map((route) => route.path))) {
    const methods = below.filter((route) => route.path === path).map((route) => route.method);
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
  context: Entered,
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
  context: Entered,
  bodies: { keyed: BodyReader; keyless: BodyReader },
  req: Request,
  res: Response,
): Promise<unknown> {
  const { params, baseUrl: mountedAt } = req as { params: Record<string, string>; baseUrl: string };
  if (route.access === 'open') return route.handle({ ...context, params, mountedAt });
  if (route.access === 'admin') {
    const admin = await context.failedKeys.guard(req, () =>
      enterAdmin(context, params.project_id, req, res),
    );
    const call = await callOf(route, context, bodies.keyed, req, res);
    return route.handle({ ...call, ...admin });
  }
  const key = await context.failedKeys.guard(req, () => keyOf(req, context.store.keys));
  if (key !== undefined) noteUse(context, key, res);
  if (key === undefined && !(route.access === 'key-or-public' && context.publicFlags)) {
    throw keyMissing();
  }
  const { project_id } = params;
  if (key !== undefined) assertScope(key, route.scope);
  if (key !== undefined && project_id !== undefined) assertProject(key, project_id);
  const kind = route.countEvents === undefined ? 'others' : 'events';
  if (key !== undefined) await context.limits.request(key.projectId, kind);
  const read = key === undefined ? bodies.keyless : bodies.keyed;
  const call = await callOf(route, context, read, req, res);
  if (route.access === 'key-or-public') {
    const { project_id: named } = (call.body ?? {}) as { project_id?: unknown };
    if (key === undefined && typeof named === 'string')
      await context.limits.request(named, 'keyless');
    return route.handle({ ...call, key });
  }
  if (key === undefined) throw keyMissing();
  const keyedCall = { ...call, key };
  if (route.countEvents === undefined) return route.handle(keyedCall);
  const count = route.countEvents(call.body);
  return context.limits.events(key.projectId, count, () => route.handle(keyedCall));
}

/** What a request says, once its caller is known. */
async function callOf(
  route: Route,
  context: Context,
  read: BodyReader,
  req: Request,
  res: Response,
): Promise<Omit<PublicCall, 'key'>> {
  const { params, baseUrl: mountedAt } = req as { params: Record<string, string>; baseUrl: string };
  route.assertReady?.(context);
  const query = route.query && readQuery(route.query, req.query);
  const wholeBody = route.body && (await read(req, res));
  const body = route.body && readBody(route.body, wholeBody, route.checksDepth);
  const gone = goneSignal(res);
  return { ...context, params, mountedAt, query, body, wholeBody: wholeBody ?? {}, gone };
}

/** Aborts when the caller hangs up before the answer. */
function goneSignal(res: Response): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => controller.abort());
  return controller.signal;
}
