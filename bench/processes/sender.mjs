// Posts batches of events to a collector, over a few connections, as fast as it takes them.

import { batchesOf } from '../seed.mjs';
import { config, serve } from './serve.mjs';

const { address, events, batch, connections, outputWords } = config;
const url = `${address.baseUrl}/log/${address.projectId}`;
const headers = {
  'content-type': 'application/json',
  authorization: `Bearer ${address.apiKey}`,
};
let bodies = [];
let prepared = 0;

serve({
  /** Writes the texts of a run before its time is taken; resolves to the bytes of an event. */
  prepare: () => {
    const prefix = `r${prepared++}_`;
    bodies = [...batchesOf({ tasks: events, days: 0.01, batch, prefix, outputWords })].map(
      (events) => JSON.stringify({ batched_log_events: events }),
    );
    return bodies.reduce((sum, body) => sum + body.length, 0) / events;
  },
  /** Resolves to the milliseconds that it took. */
  send: async () => {
    const started = performance.now();
    await Promise.all(Array.from({ length: connections }, drain));
    return performance.now() - started;
  },
});

async function drain() {
  for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
    const response = await fetch(url, { method: 'POST', headers, body });
    const { logged_events: logged } = await response.json();
    if (!response.ok || logged.length !== batch || logged.some((event) => event.error_in_log)) {
      throw new Error(`${response.status} ${JSON.stringify(logged?.[0])}`);
    }
  }
}
