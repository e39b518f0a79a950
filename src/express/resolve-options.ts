import { PhosphoConfigError } from '../errors.ts';
import type { AppRequest, MiddlewareOptions } from './types.ts';

/** Options checked once, when the middleware is made. */
export interface ResolvedMiddlewareOptions extends Omit<MiddlewareOptions, 'include' | 'exclude'> {
  includes(req: AppRequest): boolean;
  excludes(req: AppRequest): boolean;
  publish: 'headers' | 'none';
}

const KNOWN = new Set<string>([
  'include',
  'exclude',
  'sessionId',
  'userId',
  'versionId',
  'input',
  'output',
  'metadata',
  'publish',
] satisfies (keyof MiddlewareOptions)[]);

/** Throws a PhosphoConfigError for an option that is unknown or out of its range. */
export function resolveMiddlewareOptions(options: MiddlewareOptions): ResolvedMiddlewareOptions {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) {
      throw new PhosphoConfigError(
        `middleware() has no option "${name}"; it takes: ${[...KNOWN].join(', ')}`,
      );
    }
  }
  const { include, exclude, publish = 'headers', ...rest } = options;
  if (publish !== 'headers' && publish !== 'none') {
    throw new PhosphoConfigError(
      `middleware() option publish must be "headers" or "none", got ${JSON.stringify(publish)}`,
    );
  }
  return {
    ...rest,
    publish,
    includes: pathTest('include', include, false),
    // What is not to be recorded must not be recorded by a mistake.
    excludes: pathTest('exclude', exclude, true),
  };
}

/** `whenBroken`: what a function that throws, or is async and so can say nothing in time, counts as. */
function pathTest(
  name: string,
  option: MiddlewareOptions['include'],
  whenBroken: boolean,
): (req: AppRequest) => boolean {
  if (option === undefined) return () => false;
  if (typeof option === 'function') {
    return (req) => {
      try {
        const verdict: unknown = option(req);
        return verdict instanceof Promise ? unusable(verdict, whenBroken) : Boolean(verdict);
      } catch {
        return whenBroken;
      }
    };
  }
  const paths: unknown = option;
  if (
    !Array.isArray(paths) ||
    !paths.every((path) => typeof path === 'string' && path[0] === '/')
  ) {
    throw new PhosphoConfigError(
      `middleware() option ${name} must be a function or a list of paths such as "/api/chat" or "/api/*", got ${JSON.stringify(option)}`,
    );
  }
  const known = paths.map((path) => path.toLowerCase());
  const exact = new Set(known.filter((path) => !path.endsWith('*')).map(withoutSlash));
  const prefixes = known.filter((path) => path.endsWith('*')).map((path) => path.slice(0, -1));
  return (req) => {
    // As Express routes by default: `/Chat/` is `/chat`. Else a client could leave an excluded path so.
    const path = pathOf(req).toLowerCase();
    return exact.has(withoutSlash(path)) || prefixes.some((prefix) => path.startsWith(prefix));
  };
}

function unusable(promise: Promise<unknown>, verdict: boolean): boolean {
  promise.catch(() => {});
  return verdict;
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The whole path: below a mounted router `req.url` has lost its beginning. */
export function pathOf(req: AppRequest): string {
  const url = req.originalUrl ?? req.url ?? '/';
  // A request to a proxy, which anyone may send, names scheme and host too.
  const path = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const end = path.search(/[?#]/);
  return (end < 0 ? path : path.slice(0, end)) || '/';
}
