import { sharedSymbol } from './internal/brand.ts';

/** Options of every error: what it was about, as far as it is known. */
export interface PhosphoErrorOptions {
  cause?: unknown;
  code?: string;
}

/**
 * The root of all errors that this package throws. `instanceof` also holds for an instance that another
 * copy of the package made (ESM beside CJS): it reads a brand, not the prototype.
 */
export class PhosphoError extends Error {
  /** Stable and machine-readable, e.g. `ERR_PHOSPHO_CONFIG`. */
  readonly code: string;

  constructor(message: string, options: PhosphoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? 'ERR_PHOSPHO';
    this.name = new.target.name;
    for (
      let type: unknown = new.target;
      typeof type === 'function' && type !== Error && type.name !== '';
      type = Object.getPrototypeOf(type)
    ) {
      Object.defineProperty(this, brandOf(type), { value: true });
    }
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brandOf(this) in value;
  }
}

function brandOf(type: { name: string }): symbol {
  return sharedSymbol(`error.${type.name}`);
}

/** A missing or unusable setting: an API key, a project, a base URL, an option out of its range. */
export class PhosphoConfigError extends PhosphoError {
  constructor(message: string, options: PhosphoErrorOptions = {}) {
    super(message, { code: 'ERR_PHOSPHO_CONFIG', ...options });
  }
}

/** An argument that no server needs to see to be refused, e.g. a flag other than success or failure. */
export class PhosphoArgumentError extends PhosphoError {
  constructor(message: string, options: PhosphoErrorOptions = {}) {
    super(message, { code: 'ERR_PHOSPHO_ARGUMENT', ...options });
  }
}

/** What is known of a call that failed. */
export interface PhosphoRequestErrorOptions extends PhosphoErrorOptions {
  method: string;
  /** Below the base URL, without its query. */
  path: string;
  status?: number | undefined;
  /** The server's `detail`, or another hint at the reason. */
  detail?: unknown;
  /** The answer's `x-request-id`. */
  requestId?: string | undefined;
  /** How long the server asked us to wait, milliseconds. */
  retryAfterMs?: number | undefined;
}

/** A call to the API that did not succeed. Its subclasses tell why. */
export class PhosphoRequestError extends PhosphoError {
  readonly method: string;
  readonly path: string;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  readonly detail: unknown;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: PhosphoRequestErrorOptions) {
    super(`${options.method} ${options.path}: ${message}`, {
      code: 'ERR_PHOSPHO_REQUEST',
      ...options,
    });
    this.method = options.method;
    this.path = options.path;
    this.status = options.status;
    this.detail = options.detail;
    this.requestId = options.requestId;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The server answered 4xx: the request is at fault, or the key, or the id. Redirects count here too. */
export class PhosphoClientError extends PhosphoRequestError {
  constructor(message: string, options: PhosphoRequestErrorOptions) {
    super(message, { code: 'ERR_PHOSPHO_CLIENT', ...options });
  }
}

/** The server answered 5xx. */
export class PhosphoServerError extends PhosphoRequestError {
  constructor(message: string, options: PhosphoRequestErrorOptions) {
    super(message, { code: 'ERR_PHOSPHO_SERVER', ...options });
  }
}

/** No answer in time. */
export class PhosphoTimeoutError extends PhosphoRequestError {
  constructor(message: string, options: PhosphoRequestErrorOptions) {
    super(message, { code: 'ERR_PHOSPHO_TIMEOUT', ...options });
  }
}

/** No connection, or it broke: refused, reset, unknown host, TLS. No `status`; `cause` has the reason. */
export class PhosphoConnectionError extends PhosphoRequestError {
  constructor(message: string, options: PhosphoRequestErrorOptions) {
    super(message, { code: 'ERR_PHOSPHO_CONNECTION', ...options });
  }
}

/** A 2xx answer that is not what the API promises: not JSON, or without the fields it must have. */
export class PhosphoAnswerError extends PhosphoRequestError {
  constructor(message: string, options: PhosphoRequestErrorOptions) {
    super(message, { code: 'ERR_PHOSPHO_ANSWER', ...options });
  }
}
