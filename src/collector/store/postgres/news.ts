import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { uuidv7 } from '../../../internal/ids.ts';
import { AtMost } from '../../model/at-most.ts';
import type { Follower, News } from '../news.ts';
import type { Schema } from '../schema.ts';
import { CHANNEL, Ear, type EarOptions } from './ear.ts';

/** Milliseconds between two notices about one project: each commit of a NOTIFY waits for all others'. */
const TELL_MS = 200;
/** Milliseconds between two looks, where no notices come. */
const POLL_MS = 1000;

/**
 * News between collectors: NOTIFY to one connection that listens, and polling while none arrive: behind a
 * PgBouncer that lends connections by the transaction, or while the listening connection is made anew.
 */
export class PostgresNews implements News {
  readonly #db: Kysely<Schema>;
  readonly #follower: Follower;
  readonly #ear: Ear;
  readonly #closed = new AbortController();
  /** Told apart from the others' notices. */
  readonly #self = uuidv7();
  readonly #pace = new AtMost(TELL_MS, (projectId) => this.#notify(projectId));
  /** By project, what the last look has seen. */
  #seen = new Map<string, string>();

  constructor(db: Kysely<Schema>, follower: Follower, connect: EarOptions['connect']) {
    this.#db = db;
    this.#follower = follower;
    this.#ear = new Ear({
      connect,
      ping: (text) => this.#send([this.#self, text]),
      heard: (text) => this.#heard(text),
      opened: () => {
        // Whatever was said while nobody listened.
        for (const projectId of [...follower.projects()]) follower.changedElsewhere(projectId);
      },
    });
    void this.#poll();
  }

  tell(projectId: string): void {
    this.#pace.ask(projectId);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#ear.close();
  }

  #notify(projectId: string): void {
    if (this.#closed.signal.aborted) return;
    // Where it does not arrive the others look for themselves, sooner or later: when they hear no pings.
    this.#send([this.#self, projectId, 'project']).catch(() => undefined);
  }

  async #send(notice: readonly string[]): Promise<void> {
    await sql`select pg_notify(${CHANNEL}, ${JSON.stringify(notice)})`.execute(this.#db);
  }

  /** @returns the ping that it was, if it was our own */
  #heard(text: string): string | undefined {
    const [sender, subject, kind] = partsOf(text);
    if (kind === 'project') {
      if (sender !== this.#self && subject !== undefined) this.#follower.changedElsewhere(subject);
      return undefined;
    }
    return sender === this.#self ? subject : undefined;
  }

  async #poll(): Promise<void> {
    for (;;) {
      await delay(POLL_MS, undefined, { signal: this.#closed.signal, ref: false }).catch(() => {});
      if (this.#closed.signal.aborted) return;
      if (this.#ear.isOpen) this.#seen.clear();
      // A database that cannot be asked has no news; the next look finds what was missed.
      else await this.#look().catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const seen = new Map<string, string>();
    for (const projectId of [...this.#follower.projects()]) {
      const state = await this.#stateOf(projectId);
      seen.set(projectId, state);
      if (this.#seen.get(projectId) !== state) this.#follower.changedElsewhere(projectId);
    }
    this.#seen = seen;
  }

  /** Differs after each task that is stored and each verdict that changes a flag. */
  async #stateOf(projectId: string): Promise<string> {
    const { rows } = await sql`
      select sum(tasks)::text as tasks, sum(success)::text as success, sum(failure)::text as failure
      from task_stats
      where project_id = ${projectId} and dimension = 'all' and grain = 86400`.execute(this.#db);
    return JSON.stringify(rows[0]);
  }
}

function partsOf(text: string): string[] {
  try {
    const parts: unknown = JSON.parse(text);
    return Array.isArray(parts) ? parts.map(String) : [];
  } catch {
    // Any program may send to a channel.
    return [];
  }
}
