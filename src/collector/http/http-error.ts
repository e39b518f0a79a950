import type { core } from 'zod';

/** One fault of a body or query, as phospho's server (FastAPI) words it. */
export interface Fault {
  loc: (string | number)[];
  msg: string;
  type: string;
}

/** An answer other than 200: thrown by a route, written by the error handler as `{"detail": …}`. */
export class HttpError extends Error {
  readonly status: number;
  readonly detail: string | Fault[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    detail: string | Fault[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(typeof detail === 'string' ? detail : 'invalid request');
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }
}

/** An unknown id; ids of another project are answered alike, so that they cannot be told apart. */
export function notFound(
  kind: 'Task' | 'Session' | 'Test' | 'Project' | 'Key' | 'User',
  id: string,
): HttpError {
  return new HttpError(404, `${kind} ${id} not found`);
}

/** A body or query that does not have the shape it must have. */
export function invalid(place: 'body' | 'query', issues: readonly core.$ZodIssue[]): HttpError {
  return new HttpError(
    422,
    issues.map((issue) => ({
      loc: [place, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))],
      msg: issue.message,
      type: issue.code,
    })),
  );
}
