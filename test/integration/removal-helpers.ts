import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agent, type Test } from 'supertest';
import { onTestFinished } from 'vitest';
import {
  type Collector,
  type CollectorOptions,
  createCollector,
} from '../../src/collector/index.ts';
import { storedKey } from '../../src/collector/model/api-key.ts';
import { SCOPES, type Scope } from '../../src/collector/model/scopes.ts';
import { resolveOptions } from '../../src/collector/resolve-options.ts';
import { openStore } from '../../src/collector/store/open-store.ts';
import type { Store } from '../../src/collector/store/store.ts';
import { emptyDatabase } from '../helpers/databases.ts';
import { checkAnswers } from './checked-answers.ts';
import type { Logged } from './collector-helpers.ts';

/** A folder until the test ends. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'phospho-data-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The options of a collector over an empty database that others can open too. */
export async function sharedDatabase(): Promise<CollectorOptions & { database: string }> {
  const options = await emptyDatabase();
  if (options.database !== 'sqlite::memory:') return options;
  return { database: `sqlite:${join(scratch(), 'phospho.db')}` };
}

/** The store of a database, beside its collector. */
export async function storeOf(options: CollectorOptions): Promise<Store> {
  const store = await openStore(resolveOptions(options, {}).database);
  onTestFinished(() => store.close());
  return store;
}

/** A collector over a database that others can open too, with a key that may do all. */
export async function startAdministered(
  given?: CollectorOptions & { database: string },
  scopes: readonly Scope[] = SCOPES,
): Promise<{
  collector: Collector;
  options: CollectorOptions & { database: string };
  get: (path: string) => Test;
  post: (path: string, body?: unknown) => Test;
  remove: (path: string) => Test;
  log: (...events: unknown[]) => Promise<Logged[]>;
}> {
  const options = given ?? (await sharedDatabase());
  const key = `a-key-for-${scopes.join('-')}`;
  const store = await openStore(resolveOptions(options, {}).database);
  await store.projects.ensure('demo');
  if ((await store.keys.find(storedKey('demo', key).hash)) === undefined)
    await store.keys.add(storedKey('demo', key, { scopes }), 'test');
  await store.close();
  const collector = await createCollector({ port: 0, ...options });
  onTestFinished(() => collector.close());
  checkAnswers(collector.app);
  const http = agent(collector.app).set('authorization', `Bearer ${key}`);
  const post = (path: string, body?: unknown) => http.post(`/v2${path}`).send(body as object);
  return {
    collector,
    options,
    get: (path) => http.get(`/v2${path}`),
    post,
    remove: (path) => http.delete(`/v2${path}`),
    log: async (...events) => {
      const answer = await post('/log/demo', { batched_log_events: events }).expect(200);
      return answer.body.logged_events;
    },
  };
}
