import { type Agent, agent, type Test } from 'supertest';
import { expect, onTestFinished } from 'vitest';
import {
  type Collector,
  type CollectorOptions,
  createCollector,
} from '../../src/collector/index.ts';
import { emptyDatabase } from './databases.ts';

interface Logged {
  error_in_log?: string;
}

/** An exchange whose texts tell which one it is. */
export const task = (id: string, more: object = {}) => ({
  task_id: id,
  session_id: `session-${id}`,
  input: `question ${id}`,
  output: `answer ${id}`,
  ...more,
});

export const TOKEN = 'the-login-token-of-the-tests';

/** A collector that listens, with a browser's cookie jar in front of its dashboard. */
export async function startDashboard(options: CollectorOptions = {}): Promise<{
  collector: Collector;
  /** Below `/dashboard/api`. */
  get: (path: string) => Test;
  post: (path: string, body?: unknown) => Test;
  browser: Agent;
  login: (token?: string) => Test;
  /** Fails the test if one of them is refused. */
  log: (...events: unknown[]) => Promise<void>;
}> {
  const collector = await createCollector({
    ...(await emptyDatabase()),
    port: 0,
    dashboardToken: TOKEN,
    ...options,
  });
  onTestFinished(() => collector.close());
  await collector.listen();
  const browser = agent(collector.url);
  return {
    collector,
    browser,
    get: (path) => browser.get(`/dashboard/api${path}`),
    post: (path, body) => browser.post(`/dashboard/api${path}`).send(body as object),
    login: (token = TOKEN) => browser.post('/dashboard/api/session').send({ token }),
    log: async (...events) => {
      const { body } = await agent(collector.url)
        .post('/v2/log/demo')
        .set('authorization', `Bearer ${collector.apiKey}`)
        .send({ batched_log_events: events })
        .expect(200);
      expect(body.logged_events.flatMap((logged: Logged) => logged.error_in_log ?? [])).toEqual([]);
    },
  };
}
