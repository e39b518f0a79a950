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
    includes: pathTest('include', include),
    excludes: pathTest('exclude', exclude),
  };
}

function pathTest(
  name: string,
  option: MiddlewareOptions['include'],
): (req: AppRequest) => boolean {
  if (option === undefined) return () => false;
  if (typeof option === 'function') {
    return (req) => {
      try {
        return Boolean(option(req));
      } catch {
        return false;
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
  const exact = new Set(paths.filter((path) => !path.endsWith('*')));
  const prefixes = paths.filter((path) => path.endsWith('*')).map((path) => path.slice(0, -1));
  return (req) => {
    const path = pathOf(req);
    return exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix));
  };
}

/** The whole path: below a mounted router `req.url` has lost its beginning. */
export function pathOf(req: AppRequest): string {
  const url = req.originalUrl ?? req.url ?? '/';
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
