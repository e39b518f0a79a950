import { isObject, textOf } from '../text/json-text.ts';

/** Status 0: the collector did not answer. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

const TIMEOUT_MS = 30_000;

let sessionEnded: (() => void) | undefined;

/** Called when an answer says that nobody is logged in. */
export function onSessionEnd(listener: () => void): () => void {
  sessionEnded = listener;
  return () => {
    if (sessionEnded === listener) sessionEnded = undefined;
  };
}

export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await watched(url, { signal: signal ?? null });
  return readJson<T>(response);
}

export async function postJson<T>(url: string, body: object): Promise<T> {
  return readJson<T>(await watched(url, jsonRequest(body)));
}

/** A request whose 401 is an answer like any other. */
export async function call(url: string, init: RequestInit): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...init, signal });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The collector does not answer.');
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

export function jsonRequest(body: object): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, error instanceof Error ? error.message : String(error));
}

async function watched(url: string, init: RequestInit): Promise<Response> {
  try {
    return await call(url, init);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) sessionEnded?.();
    throw error;
  }
}

async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(0, 'The answer broke off, or is not JSON.');
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const fallback = `The collector answered with status ${response.status}.`;
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    return new ApiError(response.status, textOf(detail) ?? faultsOf(detail) ?? fallback);
  } catch {
    return new ApiError(response.status, fallback);
  }
}

/** A query or body that is not valid is answered with a list of faults. */
function faultsOf(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return undefined;
  return textOf(detail.filter(isObject).map(faultText).join('; '));
}

function faultText({ loc, msg }: Record<string, unknown>): string {
  return `${Array.isArray(loc) ? loc.slice(1).join('.') : ''}: ${String(msg)}`;
}
