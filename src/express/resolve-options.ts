import { Formats } from '../capture/extract/index.ts';
import type { Privacy } from '../capture/privacy.ts';
import { resolvePrivacy } from '../capture/privacy-options.ts';
import { PhosphoConfigError } from '../errors.ts';
import { show } from '../option-checks.ts';
import { resolveHeaders } from './request-headers.ts';
import { requestTest, type WarnOnce, type WhenBroken } from './request-test.ts';
import { resolveFormats } from './resolve-formats.ts';
import type { AppRequest, MiddlewareOptions } from './types.ts';

/** Options checked once, when the middleware is made. */
export interface ResolvedMiddlewareOptions
  extends Omit<
    MiddlewareOptions,
    | 'include'
    | 'exclude'
    | 'trustContext'
    | 'flushBeforeEnd'
    | 'formats'
    | 'mask'
    | 'capture'
    | 'headers'
  > {
  formats: Formats;
  includes(req: AppRequest): boolean;
  excludes(req: AppRequest): boolean;
  trusts(req: AppRequest): boolean;
  publish: 'headers' | 'none';
  /** Undefined: ends are not held. */
  flushBeforeEndMs: number | undefined;
  privacy: Privacy;
  /** In small letters. */
  headers: readonly string[];
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
  'sample',
  'mask',
  'capture',
  'headers',
  'publish',
  'flushBeforeEnd',
  'trustContext',
  'formats',
] satisfies (keyof MiddlewareOptions)[]);

const NOT_INCLUDED: WhenBroken = { verdict: false, consequence: 'is not included by it' };
/** What is not to be recorded must not be recorded by a mistake. */
const EXCLUDED: WhenBroken = { verdict: true, consequence: 'counts as excluded' };
const DISTRUST: WhenBroken = { verdict: false, consequence: 'is not trusted' };

/** Throws a PhosphoConfigError for an option that is unknown or out of its range. */
export function resolveMiddlewareOptions(
  options: MiddlewareOptions,
  warnOnce: WarnOnce,
): ResolvedMiddlewareOptions {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) {
      throw new PhosphoConfigError(
        `middleware() has no option "${name}"; it takes: ${[...KNOWN].join(', ')}`,
      );
    }
  }
  const { include, exclude, publish = 'headers', flushBeforeEnd = false, ...others } = options;
  const { formats, mask, capture, headers, trustContext = false, ...rest } = others;
  if (publish !== 'headers' && publish !== 'none') {
    throw new PhosphoConfigError(
      `middleware() option publish must be "headers" or "none", got ${JSON.stringify(publish)}`,
    );
  }
  const { sample } = rest;
  if (sample !== undefined && typeof sample !== 'function' && !isSample(sample)) {
    throw new PhosphoConfigError(`middleware() option sample ${SAMPLE_TAKES}, got ${show(sample)}`);
  }
  return {
    ...rest,
    publish,
    formats: new Formats(
      resolveFormats(formats, (name, problem) =>
        warnOnce(`format:${name}`, `the format ${name}: ${problem}`),
      ),
    ),
    privacy: resolvePrivacy('middleware() option', { mask, capture }),
    headers: resolveHeaders(headers),
    flushBeforeEndMs: heldFor(flushBeforeEnd),
    includes: pathTest('include', include, NOT_INCLUDED, warnOnce),
    excludes: pathTest('exclude', exclude, EXCLUDED, warnOnce),
    trusts: trust(trustContext, warnOnce),
  };
}

/** What `sample` may be, or its function may answer. */
export function isSample(value: unknown): value is number | boolean {
  return typeof value === 'boolean' || (typeof value === 'number' && value >= 0 && value <= 1);
}

export const SAMPLE_TAKES =
  'must be a number from 0 to 1, a boolean, or a function that answers one';

/** How long an end is held by `flushBeforeEnd: true`, and at most, milliseconds. */
const HOLD_MS = 2_000;
const MAX_HOLD_MS = 30_000;

function heldFor(option: unknown): number | undefined {
  if (option === false) return undefined;
  if (option === true) return HOLD_MS;
  const { timeoutMs = HOLD_MS, ...others } = Object(option) as { timeoutMs?: unknown };
  const isRange =
    typeof timeoutMs === 'number' &&
    Number.isInteger(timeoutMs) &&
    timeoutMs >= 1 &&
    timeoutMs <= MAX_HOLD_MS;
  const isObject = typeof option === 'object' && option !== null;
  const names = Object.keys(others);
  if (isObject && isRange && names.length === 0) return timeoutMs;
  const given = names.length > 0 ? `{ ${names.join(', ')} }` : `{ timeoutMs: ${show(timeoutMs)} }`;
  throw new PhosphoConfigError(
    `middleware() option flushBeforeEnd must be a boolean or { timeoutMs }, a whole number from 1 to ${MAX_HOLD_MS}, got ${isObject ? given : show(option)}`,
  );
}

/** Nothing of a request is believed unless the app has said so; by a mistake it has said nothing. */
function trust(
  option: MiddlewareOptions['trustContext'],
  warnOnce: WarnOnce,
): (req: AppRequest) => boolean {
  if (typeof option === 'boolean') return () => option;
  if (typeof option === 'function') return requestTest('trustContext', option, DISTRUST, warnOnce);
  throw new PhosphoConfigError(
    `middleware() option trustContext must be a boolean or a function of the request, got ${show(option)}`,
  );
}

function pathTest(
  name: string,
  option: MiddlewareOptions['include'],
  whenBroken: WhenBroken,
  warnOnce: WarnOnce,
): (req: AppRequest) => boolean {
  if (option === undefined) return () => false;
  if (typeof option === 'function') return requestTest(name, option, whenBroken, warnOnce);
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
