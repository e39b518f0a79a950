import { agent, type Test } from 'supertest';
import { onTestFinished } from 'vitest';
import {
  type Collector,
  type CollectorOptions,
  createCollector,
} from '../../src/collector/index.ts';
import { emptyDatabase } from '../helpers/databases.ts';
import { checkAnswers } from './checked-answers.ts';

/** What a test looks at of a logged event's answer. */
export interface Logged {
  task_id?: string;
  error_in_log?: string;
}

/** The ids of a listing, in its order. */
export function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map((row) => row.id);
}

export const ADMIN_TOKEN = 'the-admin-token-of-the-tests';

/** HTTP with a bearer's token or key, below `/v2`. */
export function as(
  { app }: Pick<Collector, 'app'>,
  bearer: string | undefined,
): {
  get: (path: string) => Test;
  post: (path: string, body?: unknown) => Test;
  del: (path: string) => Test;
} {
  const http = agent(app).set('authorization', `Bearer ${bearer}`);
  return {
    get: (path) => http.get(`/v2${path}`),
    post: (path, body) => http.post(`/v2${path}`).send(body as object),
    del: (path) => http.delete(`/v2${path}`),
  };
}

/**
 * A collector with an empty database, entered over HTTP with its key, and closed when the test ends. Each of its answers is
 * checked against the OpenAPI document.
 */
export async function startCollector(options: CollectorOptions = {}): Promise<{
  collector: Collector;
  get: (path: string) => Test;
  post: (path: string, body?: unknown) => Test;
  log: (...events: unknown[]) => Promise<Logged[]>;
  /** With the admin token. */
  admin: ReturnType<typeof as>;
}> {
  const collector = await createCollector({
    ...(await emptyDatabase()),
    port: 0,
    adminToken: ADMIN_TOKEN,
    ...options,
  });
  onTestFinished(() => collector.close());
  checkAnswers(collector.app);
  const { get, post } = as(collector, collector.apiKey);
  return {
    collector,
    get,
    post,
    admin: as(collector, ADMIN_TOKEN),
    log: async (...events) => {
      const answer = await post('/log/demo', { batched_log_events: events }).expect(200);
      return answer.body.logged_events;
    },
  };
}

export const now = (): number => Math.floor(Date.now() / 1000);
