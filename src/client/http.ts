import { setTimeout as delay } from 'node:timers/promises';
import { PhosphoConnectionError } from '../errors.ts';
import { VERSION } from '../internal/version.ts';
import { urlBelow } from './base-url.ts';
import type { ClientConfig } from './config.ts';
import { type Attempt, exchange } from './exchange.ts';
import { callOf } from './failures.ts';
import { onAbort } from './on-abort.ts';
import { loadUndici, type PoolName, Pools } from './pools.ts';
import { retryDelayMs } from './retry.ts';
import { Scrubber } from './scrub.ts';

/** One call to the API. */
export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Below the base URL, starts with `/`. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Already serialised JSON text or bytes, or undefined for none. */
  body?: string | Uint8Array | undefined;
  /** Extra headers; those that every call has win over them. */
  headers?: Record<string, string> | undefined;
  /** Milliseconds for one attempt. Default: the client's `timeoutMs`. */
  timeoutMs?: number | undefined;
  /** The caller's cancel: the call rejects with a PhosphoConnectionError, code `ERR_PHOSPHO_ABORTED`. */
  signal?: AbortSignal | undefined;
  /** Whether what may succeed later is tried again, twice at most. Default: for GET. */
  retry?: boolean | undefined;
  /** Told of the headers of an answer that is a success. */
  onHeaders?: ((header: (name: string) => string | undefined) => void) | undefined;
  /** Flags and evaluations may take long; by sockets of their own they keep no other call waiting. */
  pool?: PoolName | undefined;
}

/** The way to the API: settings to requests, with time-outs, few retries and its own sockets. */
export class Http {
  readonly #config: ClientConfig;
  readonly #pools: Pools;
  #active = 0;
  #idle: () => void = () => {};
  readonly #cancels: Set<() => void> = new Set();
  #closing: Promise<void> | undefined;

  constructor(config: ClientConfig) {
    this.#config = config;
    this.#pools = new Pools(config.dispatcher);
  }

  /**
   * Resolves to the parsed JSON of a 2xx answer, null where it is empty. Rejects with PhosphoConfigError,
   * PhosphoArgumentError or a subclass of PhosphoRequestError.
   */
  async request(request: HttpRequest): Promise<unknown> {
    this.#active += 1;
    try {
      return await this.#run(request);
    } finally {
      this.#active -= 1;
      if (this.#active === 0) this.#idle();
    }
  }

  /** Refuses new calls, waits for those under way, then closes the client's own sockets. */
  close(): Promise<void> {
    this.#closing ??= this.#drained().then(() => this.#pools.close());
    return this.#closing;
  }

  /** Like {@link Http.close}, but the calls under way are cancelled (code `ERR_PHOSPHO_CLOSED`). */
  async destroy(): Promise<void> {
    const closing = this.close();
    for (const cancel of this.#cancels) cancel();
    await this.#pools.destroy();
    await closing;
  }

  async #drained(): Promise<void> {
    if (this.#active === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  async #run(request: HttpRequest): Promise<unknown> {
    const { method, pool = 'default', signal, retry = method === 'GET' } = request;
    const stop = new AbortController();
    const cancel = () => stop.abort();
    const attempt = this.#resolve(request, stop.signal);
    if (this.#closing !== undefined) throw attempt.cancelled();
    this.#cancels.add(cancel);
    const forget = signal && onAbort(signal, cancel);
    if (signal?.aborted) cancel();
    try {
      const undici = await loadUndici();
      const { dispatcher, slots } = this.#pools.get(pool, undici);
      for (let retries = 0; ; retries++) {
        try {
          return await slots.run(() => exchange(undici, dispatcher, attempt), stop.signal);
        } catch (error) {
          const wait = retry ? retryDelayMs(error, retries) : undefined;
          if (wait === undefined) throw error;
          await delay(wait, undefined, { signal: stop.signal }).catch(() => {});
        }
      }
    } finally {
      this.#cancels.delete(cancel);
      forget?.();
    }
  }

  #resolve(request: HttpRequest, signal: AbortSignal): Attempt {
    const key = this.#config.apiKey();
    const scrub = new Scrubber(key);
    const { method, path, query, body, timeoutMs = this.#config.timeoutMs } = request;
    const call = callOf(method, path, scrub);
    return {
      call,
      url: urlBelow(this.#config.baseUrl(), path, query),
      headers: {
        ...request.headers,
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'application/json',
        'user-agent': `phospho-express/${VERSION}`,
      },
      body,
      timeoutMs,
      scrub,
      signal,
      onHeaders: request.onHeaders,
      cancelled: () => cancelled(call, request.signal),
    };
  }
}

function cancelled(call: Attempt['call'], caller: AbortSignal | undefined): Error {
  if (!caller?.aborted) {
    return new PhosphoConnectionError('the client was closed', {
      ...call,
      code: 'ERR_PHOSPHO_CLOSED',
    });
  }
  return new PhosphoConnectionError('the call was cancelled', {
    ...call,
    code: 'ERR_PHOSPHO_ABORTED',
    cause: caller.reason,
  });
}
