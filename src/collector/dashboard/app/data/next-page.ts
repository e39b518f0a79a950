import { BASE } from './base.ts';

/** The page's address without the prefix, for the login page to come back to. */
export function hereWithoutBase(): string | undefined {
  const path = location.pathname.slice(BASE.length);
  return path === '' || path === '/' || path === '/login' ? undefined : path + location.search;
}

/** Only ever a page of ours: anybody can put anything into a link's query. */
export function nextPage(next: string | undefined): string | undefined {
  if (next === undefined || !next.startsWith('/p/')) return undefined;
  const url = new URL(BASE + next, location.origin);
  if (url.origin !== location.origin || !url.pathname.startsWith(`${BASE}/p/`)) return undefined;
  return url.pathname + url.search;
}
