import type { Dispatcher } from 'undici';
import { PhosphoConfigError } from '../errors.ts';
import { isLoopback } from '../internal/loopback.ts';
import { checkBaseUrl } from './base-url.ts';
import { MAX_TIMER_MS, TIMEOUTS } from './limits.ts';

/** The hosted service. */
export const DEFAULT_BASE_URL: string = 'https://api.phospho.ai/v2';

/** Options of {@link Client}. An empty string counts as absent; so does an empty variable. */
export interface ClientOptions {
  /** Default: `PHOSPHO_API_KEY`, read at each call. */
  apiKey?: string | undefined;
  /** Default: `PHOSPHO_PROJECT_ID`, read at each call. */
  projectId?: string | undefined;
  /** With the version, e.g. `http://localhost:8080/v2`. Default: `PHOSPHO_BASE_URL`, else the hosted service. */
  baseUrl?: string | undefined;
  /**
   * Milliseconds that one attempt of a call may take. Default 10 000: an API call that is slower than that
   * has failed. Flags (40 000) and comparisons (120 000) have longer ones, which this can only raise.
   */
  timeoutMs?: number | undefined;
  /** An undici dispatcher, e.g. a `ProxyAgent`, in place of the client's own. It stays yours to close. */
  dispatcher?: Dispatcher | undefined;
  /**
   * Lets the key travel over plain http to another machine. Default: `PHOSPHO_ALLOW_HTTP` (`1` or `true`),
   * else false, since anyone on the way could read it. Loopback needs no permission.
   */
  allowInsecureHttp?: boolean | undefined;
}

/** The settings of a client. Key, project and base URL are looked up whenever they are needed. */
export class ClientConfig {
  readonly #options: ClientOptions;
  readonly #baseUrl: string | undefined;
  readonly timeoutMs: number;

  constructor(options: ClientOptions = {}) {
    this.#options = { ...options };
    const { baseUrl, timeoutMs = TIMEOUTS.attempt } = options;
    if (!Number.isFinite(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_TIMER_MS) {
      throw new PhosphoConfigError(
        `timeoutMs is out of range. Accepted: 1 to ${MAX_TIMER_MS} milliseconds. Received: ${String(timeoutMs)}`,
      );
    }
    this.timeoutMs = timeoutMs;
    this.#baseUrl = isAbsent(baseUrl) ? undefined : checkBaseUrl(trimmed(baseUrl), 'baseUrl');
  }

  get dispatcher(): Dispatcher | undefined {
    return this.#options.dispatcher;
  }

  /** Throws PhosphoConfigError where it is absent or cannot travel in a header. Never prints it. */
  apiKey(): string {
    const key = this.findApiKey();
    if (key === undefined) throw missing('API key', 'PHOSPHO_API_KEY', 'apiKey');
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw new PhosphoConfigError(
        'The API key (PHOSPHO_API_KEY or the option apiKey) holds a space, a control character or one outside ASCII, so it cannot be sent. Was it copied whole, on one line?',
      );
    }
    return key;
  }

  projectId(): string {
    const id = this.findProjectId();
    if (id === undefined) throw missing('project', 'PHOSPHO_PROJECT_ID', 'projectId');
    return id;
  }

  findApiKey(): string | undefined {
    return setting(this.#options.apiKey, 'PHOSPHO_API_KEY');
  }

  findProjectId(): string | undefined {
    return setting(this.#options.projectId, 'PHOSPHO_PROJECT_ID');
  }

  /** Without trailing slashes. Throws PhosphoConfigError where it is unusable, or unsafe for the key. */
  baseUrl(): string {
    const fromEnv = setting(undefined, 'PHOSPHO_BASE_URL') ?? DEFAULT_BASE_URL;
    const base = this.#baseUrl ?? checkBaseUrl(fromEnv, 'PHOSPHO_BASE_URL');
    const { protocol, hostname } = new URL(base);
    if (protocol === 'http:' && !isLoopback(hostname) && !this.#allowsHttp()) {
      throw new PhosphoConfigError(
        `${base} is not encrypted, and the API key would travel over it in the clear. Use https, or allow it with the option allowInsecureHttp: true or PHOSPHO_ALLOW_HTTP=1.`,
      );
    }
    return base;
  }

  isConfigured(): boolean {
    return this.findApiKey() !== undefined && this.findProjectId() !== undefined;
  }

  #allowsHttp(): boolean {
    const { allowInsecureHttp } = this.#options;
    if (allowInsecureHttp !== undefined) return allowInsecureHttp;
    const allowed = setting(undefined, 'PHOSPHO_ALLOW_HTTP')?.toLowerCase();
    return allowed === '1' || allowed === 'true';
  }
}

function setting(option: string | undefined, variable: string): string | undefined {
  if (!isAbsent(option)) return trimmed(option);
  const value = process.env[variable]?.trim();
  return value === '' ? undefined : value;
}

function isAbsent(value: unknown): value is undefined {
  return value === undefined || value === null || trimmed(value) === '';
}

function trimmed(value: unknown): string {
  return String(value).trim();
}

function missing(what: string, variable: string, option: string): PhosphoConfigError {
  return new PhosphoConfigError(
    `No ${what}: set the environment variable ${variable} or pass the option ${option}.`,
  );
}
