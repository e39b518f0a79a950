import type { JsonObject, SessionContent } from '../types.ts';
import { readSession, readTasks, readTranscript } from './answers.ts';
import type { Api } from './api.ts';
import { checkLimit, pathSegment } from './arguments.ts';
import { Listing } from './listing.ts';
import { Task } from './task.ts';

/** What of a session can be changed. What is left out, or null, stays as it is. */
export interface SessionUpdate {
  metadata?: JsonObject | null | undefined;
  data?: JsonObject | null | undefined;
  preview?: string | null | undefined;
  notes?: string | null | undefined;
}

/** How much to list. */
export interface ListOptions {
  /** At most so many. Default: the server's, 1000. */
  limit?: number | undefined;
}

/** A session as the server had it when it was last read. */
export class Session {
  readonly #api: Api;
  readonly id: string;
  /** The server's answer, with the fields that this package does not know. */
  content: SessionContent;

  /** @internal */
  constructor(api: Api, content: SessionContent) {
    this.#api = api;
    this.id = content.id;
    this.content = content;
  }

  /** Reads the session again into {@link Session.content}. */
  async refresh(): Promise<this> {
    this.content = await this.#api.get(sessionPath(this.id), readSession);
    return this;
  }

  /** Changes the session on the server and reads the answer into {@link Session.content}. */
  async update(changes: SessionUpdate): Promise<this> {
    const { metadata, data, preview, notes } = changes;
    const body = { metadata, data, preview, notes };
    this.content = await this.#api.post(sessionPath(this.id), body, readSession);
    return this;
  }

  /** Lists the session's tasks, newest first: await it for an array, or iterate over it. */
  listTasks(options: ListOptions = {}): Listing<Task> {
    return new Listing(async () => {
      const query = { limit: checkLimit(options.limit) };
      const contents = await this.#api.get(sessionPath(this.id, '/tasks'), readTasks, query);
      return contents.map((content) => new Task(this.#api, content));
    });
  }

  /** The whole conversation as text, oldest first: `User: …`, `Assistant: …`, a line each. */
  transcript(): Promise<string> {
    return this.#api.get(sessionPath(this.id, '/transcript'), readTranscript);
  }
}

export function sessionPath(id: string, rest: string = ''): string {
  return `/sessions/${pathSegment('the session id', id)}${rest}`;
}
