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

/**
 * A collector with an empty database, entered over HTTP with its key, and closed when the test ends. Each of its answers is
 * checked against the OpenAPI document.
 */
export async function startCollector(options: CollectorOptions = {}): Promise<{
  collector: Collector;
  get: (path: string) => Test;
  post: (path: string, body?: unknown) => Test;
  log: (...events: unknown[]) => Promise<Logged[]>;
}> {
  const collector = await createCollector({ ...(await emptyDatabase()), port: 0, ...options });
  onTestFinished(() => collector.close());
  checkAnswers(collector.app);
  const http = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
  const post = (path: string, body?: unknown) => http.post(`/v2${path}`).send(body as object);
  return {
    collector,
    get: (path) => http.get(`/v2${path}`),
    post,
    log: async (...events) => {
      const answer = await post('/log/demo', { batched_log_events: events }).expect(200);
      return answer.body.logged_events;
    },
  };
}

export const now = (): number => Math.floor(Date.now() / 1000);
