import type { JsonObject } from '../types.ts';
import { readSession, readSessions } from './answers.ts';
import type { Api } from './api.ts';
import { checkLimit } from './arguments.ts';
import { Listing } from './listing.ts';
import { type ListOptions, Session, sessionPath } from './session.ts';

/** A session to create. */
export interface SessionCreation {
  data?: JsonObject | undefined;
}

/** The project's sessions, as `client.sessions`. */
export class SessionCollection {
  readonly #api: Api;

  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /** Makes an empty session. A session also comes to be by itself with the first event that names it. */
  async create(session: SessionCreation = {}): Promise<Session> {
    const body = { project_id: this.#api.projectId(), data: session.data };
    return new Session(this.#api, await this.#api.post('/sessions', body, readSession));
  }

  /** Reads one session. An unknown id is a PhosphoClientError with status 404. */
  async get(sessionId: string): Promise<Session> {
    return new Session(this.#api, await this.#api.get(sessionPath(sessionId), readSession));
  }

  /** Lists sessions, newest first: await it for an array, or iterate over it. */
  list(options: ListOptions = {}): Listing<Session> {
    return new Listing(async () => {
      const query = { limit: checkLimit(options.limit) };
      const contents = await this.#api.get(this.#api.projectPath('/sessions'), readSessions, query);
      return contents.map((content) => new Session(this.#api, content));
    });
  }
}
