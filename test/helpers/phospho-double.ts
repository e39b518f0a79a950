import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { Flag, LogEvent } from 'phospho-express';
import { Agent, type Dispatcher } from 'undici';
import { onTestFinished } from 'vitest';

/** What the double does with one request; `ok` is what phospho would do. */
export type Behaviour =
  | 'ok'
  | 'reset'
  /** The events are stored, and the answer is lost. */
  | 'stored, then reset'
  | 'hang'
  | { status: number; headers?: Record<string, string>; body?: string };

export interface Asked {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** The task ids of a batch. */
  ids: string[];
}

interface Answered {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

export interface StoredFlag {
  taskId: string;
  flag: Flag;
  source: string;
  notes?: string;
  project_id?: string;
}

/**
 * phospho's `/log` and `/flag` as far as delivery can tell: stores events by task id, ignores those that it
 * has, and misbehaves as scripted. Served over a socket, or as an undici dispatcher for fake timers.
 */
export class PhosphoDouble {
  readonly asked: Asked[] = [];
  /** Each event as it came first. */
  readonly stored = new Map<string, LogEvent>();
  /** How often each task id was in a request that stored it, or would have. */
  readonly storings = new Map<string, number>();
  readonly flags: StoredFlag[] = [];
  /** Behaviours of the next requests, in turn; then `ok`. */
  script: Behaviour[] = [];
  /** Overrules the script; undefined: the script decides. */
  behave: (asked: Asked) => Behaviour | undefined = () => undefined;
  /** What `error_in_log` says of an event; undefined: it is fine. */
  errorInLog: (event: LogEvent) => string | undefined = () => undefined;
  /** Of every answer over a socket. */
  headers: Record<string, string> = {};
  onAsked: (asked: Asked) => void = () => {};
  /** Requests that have not been answered. */
  readonly unanswered = new Set<Asked>();
  #waiting: { count: number; resolve: () => void }[] = [];

  get batches(): string[][] {
    return this.asked.filter(({ path }) => path.includes('/log/')).map(({ ids }) => ids);
  }

  /** Resolves once so many requests have come in all. */
  arrived(count: number): Promise<void> {
    if (this.asked.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
    });
  }

  take(path: string, headers: Asked['headers'], body: string): Answered | 'reset' | 'hang' {
    const events = path.includes('/log/')
      ? (JSON.parse(body).batched_log_events as LogEvent[])
      : [];
    const asked: Asked = { path, headers, body, ids: events.map((event) => `${event.task_id}`) };
    this.asked.push(asked);
    this.unanswered.add(asked);
    const behaviour = this.behave(asked) ?? this.script.shift() ?? 'ok';
    this.onAsked(asked);
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.asked.length < count) return true;
      resolve();
      return false;
    });
    if (behaviour === 'hang') return 'hang';
    this.unanswered.delete(asked);
    if (behaviour === 'reset') return 'reset';
    if (typeof behaviour === 'object') return { body: '{"detail":"scripted"}', ...behaviour };
    const answer = path.includes('/log/') ? this.#store(events) : this.#flag(path, body);
    return behaviour === 'ok' ? answer : 'reset';
  }

  #store(events: LogEvent[]): Answered {
    const logged = events.map((event) => {
      const error = this.errorInLog(event);
      if (error !== undefined) return { error_in_log: error };
      const id = `${event.task_id}`;
      this.storings.set(id, (this.storings.get(id) ?? 0) + 1);
      if (!this.stored.has(id)) this.stored.set(id, event);
      return event;
    });
    return { status: 200, body: JSON.stringify({ logged_events: logged }) };
  }

  #flag(path: string, body: string): Answered {
    const taskId = decodeURIComponent(path.split('/').at(-2) ?? '');
    this.flags.push({ taskId, ...JSON.parse(body) });
    const task = { id: taskId, created_at: 1_760_000_000, project_id: 'double', input: '' };
    return { status: 200, body: JSON.stringify(task) };
  }

  /** Serves on a port of its own until the test ends; resolves to the base URL. */
  async serve(port = 0): Promise<string> {
    const server = this.server();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  }

  /** An HTTP server that answers as this double does, for whoever sees to its port and its end. */
  server(): Server {
    return createServer((request, response) => void this.answer(request, response));
  }

  /** Reads one request to its end and answers it. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return;
    const answer = this.take(request.url ?? '', request.headers, body);
    if (answer === 'hang') return;
    if (answer === 'reset') return void response.destroy();
    const json = { 'content-type': 'application/json' };
    response
      .writeHead(answer.status, { ...json, ...this.headers, ...answer.headers })
      .end(answer.body);
  }

  /** The same without a socket, so that fake timers rule everything. */
  dispatcher(): Dispatcher {
    const dispatcher = new Agent();
    dispatcher.dispatch = ({ path, headers, body }, handler) => {
      let aborted = false;
      handler.onConnect?.((error?: Error) => {
        aborted = true;
        handler.onError?.(error ?? new Error('aborted'));
      });
      const answer = this.take(path, headers as Asked['headers'], String(body));
      queueMicrotask(() => {
        if (aborted || answer === 'hang') return;
        if (answer === 'reset') {
          handler.onError?.(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
          return;
        }
        const raw = Object.entries({ 'content-type': 'application/json', ...answer.headers });
        const flat = raw.flat().map((text) => Buffer.from(text));
        handler.onHeaders?.(answer.status, flat, () => {}, '');
        handler.onData?.(Buffer.from(answer.body));
        handler.onComplete?.([]);
      });
      return true;
    };
    return dispatcher;
  }
}

/** Undefined: whoever sent it has left before its end. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const isGzip = request.headers['content-encoding'] === 'gzip';
    return (isGzip ? gunzipSync(bytes) : bytes).toString();
  } catch {
    return undefined;
  }
}
