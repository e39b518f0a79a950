import { start } from '../runner/child.mjs';

/**
 * A process for each contender, started when its first round comes, and one sink for all: only one of them
 * is at work at a time. What is measured once in a process's life has one for each round.
 */
export async function openApps(process, config = {}) {
  const sink = await start('sink');
  const url = await sink.ask('url');
  const apps = new Map();
  return {
    async startAnew(contender) {
      await apps.get(contender)?.stop();
      apps.delete(contender);
      return this.get(contender);
    },
    async get(contender) {
      const app = apps.get(contender) ?? (await start(process, { contender, url, ...config }));
      apps.set(contender, app);
      return app;
    },
    /** Rejects unless the sink has got as many events since the last time. */
    async expectDelivered(contender, count) {
      const expected = contender === 'bare' ? 0 : count;
      const delivered = await sink.ask('take');
      if (delivered === expected) return;
      throw new Error(`${delivered} events arrived, of ${expected}`);
    },
    /** How many of them hold a response in part. */
    cut: () => sink.ask('cut'),
    async close() {
      await Promise.all([sink, ...apps.values()].map((child) => child.stop()));
    },
  };
}
