import { PhosphoArgumentError } from '../errors.ts';
import { pathSegment } from './arguments.ts';
import type { ClientConfig } from './config.ts';
import { type Call, callOf } from './failures.ts';
import type { Http, HttpRequest } from './http.ts';
import { Scrubber } from './scrub.ts';

/** Turns a JSON answer into what the caller gets, or throws PhosphoAnswerError. */
export type Reader<T> = (answer: unknown, call: Call) => T;

/** Query values; an undefined one is left out. */
export type Query = HttpRequest['query'];

/** What the parts of the client share: calls in and out of JSON, below the configured project. */
export class Api {
  readonly #http: Http;
  readonly #config: ClientConfig;

  constructor(http: Http, config: ClientConfig) {
    this.#http = http;
    this.#config = config;
  }

  async get<T>(path: string, read: Reader<T>, query?: Query): Promise<T> {
    return read(await this.#http.request({ method: 'GET', path, query }), this.#call('GET', path));
  }

  async post<T>(
    path: string,
    body: unknown,
    read: Reader<T>,
    options: Pick<HttpRequest, 'timeoutMs' | 'pool' | 'signal'> = {},
  ): Promise<T> {
    const text = body === undefined ? undefined : serialise(body);
    const answer = await this.#http.request({ ...options, method: 'POST', path, body: text });
    return read(answer, this.#call('POST', path));
  }

  #call(method: string, path: string): Call {
    return callOf(method, path, new Scrubber(this.#config.findApiKey() ?? ''));
  }

  /** `/projects/…`, with what follows. Throws PhosphoConfigError without a project. */
  projectPath(rest: string = ''): string {
    return `/projects/${pathSegment('the project id', this.projectId())}${rest}`;
  }

  projectId(): string {
    return this.#config.projectId();
  }

  findProjectId(): string | undefined {
    return this.#config.findProjectId();
  }

  /** A time-out for a call that is slow by nature, or the user's where that is longer. */
  atLeast(timeoutMs: number): number {
    return Math.max(timeoutMs, this.#config.timeoutMs);
  }
}

function serialise(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new PhosphoArgumentError(
      `The arguments cannot be written as JSON: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
