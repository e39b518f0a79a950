import type {
  Comparison,
  Flag,
  JsonObject,
  LogEvent,
  LoggedEvent,
  ProjectContent,
  TestContent,
} from '../types.ts';
import { Api } from './api.ts';
import { ClientConfig, type ClientOptions } from './config.ts';
import { type CompareOptions, compare } from './evals.ts';
import { Http } from './http.ts';
import { logEvents, readOwnProject } from './projects.ts';
import { SessionCollection } from './sessions.ts';
import { type FlagOptions, postFlag, Task } from './task.ts';
import { TaskCollection } from './tasks.ts';
import {
  createTest,
  getTest,
  type TestCreation,
  type TestUpdate,
  updateTest,
} from './test-runs.ts';

/**
 * The phospho HTTP API: one request for each call, made when it is called.
 *
 * Every call rejects with a PhosphoConfigError where the key, the project or the base URL is missing or
 * unusable, with a PhosphoArgumentError for an argument that no server needs to see, and with a subclass of
 * PhosphoRequestError where it did not succeed. Reads (GET) are tried three times, writes once. One attempt
 * may take 10 s (`timeoutMs`), a flag 40 s, a comparison 120 s; an answer has at most 64 MiB.
 * Idle connections do not keep the process alive.
 *
 * @example
 * ```ts
 * import { Client } from 'phospho-express/client';
 *
 * const client = new Client(); // PHOSPHO_API_KEY, PHOSPHO_PROJECT_ID
 * const task = await client.tasks.create({ input: 'Hi', output: 'Hello!' });
 * await task.flag('success', { notes: 'spot on' });
 * ```
 */
export class Client {
  readonly #config: ClientConfig;
  readonly #http: Http;
  readonly #api: Api;
  /** Sessions: create, get, list. */
  readonly sessions: SessionCollection;
  /** Tasks: create, get, list, and the flat rows. */
  readonly tasks: TaskCollection;

  /** Throws PhosphoConfigError for an unusable `baseUrl` or `timeoutMs`; all else is looked up when called. */
  constructor(options: ClientOptions = {}) {
    this.#config = new ClientConfig(options);
    this.#http = new Http(this.#config);
    this.#api = new Api(this.#http, this.#config);
    this.sessions = new SessionCollection(this.#api);
    this.tasks = new TaskCollection(this.#api);
  }

  /** @internal Key, project and base URL, as they are now. */
  get config(): ClientConfig {
    return this.#config;
  }

  /** @internal The transport, for the delivery of batches. */
  get http(): Http {
    return this.#http;
  }

  /** Whether a key and a project are there now. Neither is checked. Never throws. */
  isConfigured(): boolean {
    return this.#config.isConfigured();
  }

  /**
   * Flags a task as a success or a failure; the last flag wins. The server waits for an unknown task for up
   * to 31 s before it answers 404. The project goes along where it is known.
   */
  async flag(taskId: string, flag: Flag, options: FlagOptions = {}): Promise<Task> {
    return new Task(this.#api, await postFlag(this.#api, taskId, flag, options));
  }

  /** Lets a judge model say which of two answers to one input is better. */
  async compare(
    contextInput: string,
    oldOutput: string,
    newOutput: string,
    options: CompareOptions = {},
  ): Promise<Comparison> {
    return compare(this.#api, contextInput, oldOutput, newOutput, options);
  }

  /**
   * Sends log events in one request. The answer has one item for each, in the same order: the event as
   * stored, or `{ error_in_log }`. Task ids must differ within one call; an id that the server has already
   * is ignored. An empty list is not sent. For more than a few, `Phospho.log` batches and retries.
   */
  async log(events: readonly LogEvent[]): Promise<LoggedEvent[]> {
    return logEvents(this.#api, events);
  }

  /** Starts a test. */
  async createTest(test: TestCreation = {}): Promise<TestContent> {
    return createTest(this.#api, test);
  }

  /** Reads a test. */
  async getTest(testId: string): Promise<TestContent> {
    return getTest(this.#api, testId);
  }

  /** Changes a test, or ends it. */
  async updateTest(testId: string, changes: TestUpdate): Promise<TestContent> {
    return updateTest(this.#api, testId, changes);
  }

  /** Reads the project. */
  async project(): Promise<ProjectContent> {
    return readOwnProject(this.#api);
  }

  /** Any GET below the base URL: the parsed JSON, or null where the answer is empty. */
  async get(
    path: string,
    params?: Readonly<Record<string, string | number | boolean | undefined>>,
  ): Promise<unknown> {
    return this.#api.get(path, (answer) => answer, params);
  }

  /** Any POST below the base URL: the parsed JSON, or null where the answer is empty. */
  async post(path: string, body?: JsonObject): Promise<unknown> {
    return this.#api.post(path, body, (answer) => answer);
  }

  /** Waits for the calls under way and closes the connections. Later calls reject. May be called again. */
  close(): Promise<void> {
    return this.#http.close();
  }
}
