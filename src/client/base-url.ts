import { PhosphoArgumentError, PhosphoConfigError } from '../errors.ts';

/** Checks a base URL and returns it without trailing slashes. `source` is the option or variable it came from. */
export function checkBaseUrl(value: unknown, source: string): string {
  const refuse = (why: string): never => {
    throw new PhosphoConfigError(
      `${source} ${why}. Accepted: an http or https URL such as https://api.phospho.ai/v2. Received: ${shown(value)}`,
    );
  };
  if (typeof value !== 'string') return refuse('is not a string');
  const url = URL.canParse(value) ? new URL(value) : refuse('is not a URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refuse('is not an http(s) URL');
  if (url.username !== '' || url.password !== '') return refuse('holds a user name or password');
  if (url.search !== '' || url.hash !== '') return refuse('holds a query or a fragment');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** A value for a message: short, and without what stands before an `@`. */
function shown(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  return JSON.stringify(value.replace(/^(.*\/\/)?.*@/s, '$1…@').slice(0, 200));
}

/** The URL of a path below a checked base URL. Throws PhosphoArgumentError where the path leads elsewhere. */
export function urlBelow(
  base: string,
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>> = {},
): URL {
  const rooted = path.startsWith('/') ? path : `/${path}`;
  if (path.includes('#')) throw new PhosphoArgumentError(`A path must not contain "#": ${path}`);
  const url = new URL(base + rooted);
  const { pathname } = new URL(`${base}/`);
  if (!url.pathname.startsWith(pathname)) {
    throw new PhosphoArgumentError(`A path must stay below the base URL: ${path}`);
  }
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}
