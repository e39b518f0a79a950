import { agent, type Test } from 'supertest';
import { onTestFinished } from 'vitest';
import {
  type Collector,
  type CollectorOptions,
  createCollector,
} from '../../../src/collector/index.ts';

export const KEY = 'the-key-of-all-collectors';
export const DASHBOARD_TOKEN = 'the-token-of-all-collectors';

export interface Entered {
  collector: Collector;
  get(path: string): Test;
  post(path: string, body: object): Test;
  log(...events: object[]): Test;
}

/** One of several collectors over a database, which share their key and token; closed when the test ends. */
export async function collectorOver(
  database: string,
  options: CollectorOptions = {},
): Promise<Entered> {
  const collector = await createCollector({
    ...{ database, port: 0, apiKey: KEY, dashboardToken: DASHBOARD_TOKEN, poolSize: 5 },
    ...options,
  });
  onTestFinished(() => collector.close());
  const http = agent(collector.app).set('authorization', `Bearer ${KEY}`);
  const post = (path: string, body: object) => http.post(`/v2${path}`).send(body);
  return {
    collector,
    get: (path) => http.get(`/v2${path}`),
    post,
    log: (...events) => post('/log/demo', { batched_log_events: events }),
  };
}
