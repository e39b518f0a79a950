/** The prefix of every page and of the API, as the server wrote it into the page. */
export const BASE = (document.documentElement.dataset.base ?? '').replace(/\/+$/, '');

export function pagePath(...segments: string[]): string {
  return `${BASE}/${segments.map(encodeSegment).join('/')}`;
}

export function projectPath(project: string, ...segments: string[]): string {
  return pagePath('p', project, ...segments);
}

export function apiPath(...segments: string[]): string {
  return `${BASE}/api/${segments.map(encodeSegment).join('/')}`;
}

export function projectApi(project: string, ...segments: string[]): string {
  return apiPath('projects', project, ...segments);
}

export type Query = Record<string, string | number | undefined>;

/** `path` with the entries of `query` that have a value. */
export function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** encodeURIComponent throws for half a surrogate pair, and ids are anybody's. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.replace(/[\uD800-\uDFFF]/gu, '\uFFFD'));
}
