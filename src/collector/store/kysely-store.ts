import { sql } from 'kysely';
import { KyselyAudit } from './audit.ts';
import { KyselyComparisons } from './comparisons.ts';
import { DashboardStore } from './dashboard/dashboard-store.ts';
import type { Engine } from './engine.ts';
import { KyselyKeys } from './keys.ts';
import { KyselyLogins } from './logins.ts';
import type { Follower, News } from './news.ts';
import { KyselySpans } from './otlp/spans.ts';
import { KyselyProjects } from './projects.ts';
import { KyselyRemoval } from './removal/removal-store.ts';
import { KyselySessions } from './sessions.ts';
import type { Store } from './store.ts';
import { KyselyTasks } from './tasks.ts';
import { KyselyTests } from './tests.ts';
import { KyselyTransfer } from './transfer/transfer-store.ts';

/** The Store over one engine. */
export class KyselyStore implements Store {
  readonly projects: KyselyProjects;
  readonly keys: KyselyKeys;
  readonly tasks: KyselyTasks;
  readonly sessions: KyselySessions;
  readonly tests: KyselyTests;
  readonly comparisons: KyselyComparisons;
  readonly dashboard: DashboardStore;
  readonly logins: KyselyLogins;
  readonly spans: KyselySpans;
  readonly audit: KyselyAudit;
  readonly removal: KyselyRemoval;
  readonly transfer: KyselyTransfer;
  readonly #engine: Engine;
  readonly #news: News | undefined;

  constructor(engine: Engine, follower: Follower, news?: News) {
    this.#engine = engine;
    this.#news = news;
    const onChange = (projectId: string): void => {
      follower.changed(projectId);
      news?.tell(projectId);
    };
    this.audit = new KyselyAudit(engine, (entry) => follower.administered?.(entry));
    this.projects = new KyselyProjects(engine, this.audit);
    this.keys = new KyselyKeys(engine, this.audit);
    this.tasks = new KyselyTasks(engine, onChange);
    this.sessions = new KyselySessions(engine);
    this.tests = new KyselyTests(engine);
    this.comparisons = new KyselyComparisons(engine.db);
    this.dashboard = new DashboardStore(engine);
    this.logins = new KyselyLogins(engine.db);
    this.spans = new KyselySpans(engine, onChange);
    this.removal = new KyselyRemoval(engine, onChange);
    this.transfer = new KyselyTransfer(engine, onChange);
  }

  async check(): Promise<void> {
    await sql`select 1`.execute(this.#engine.db);
  }

  async close(): Promise<void> {
    // Connections to PostgreSQL keep no process alive: one that awaits this would end in the midst of it.
    const awake = setInterval(() => {}, 2 ** 30);
    try {
      await this.#news?.close();
      await this.#engine.db.destroy();
    } finally {
      clearInterval(awake);
    }
  }
}
