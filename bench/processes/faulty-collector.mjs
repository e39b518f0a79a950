// A collector that is bad for a while, and tells what reached it. It stores an id once, as phospho does.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { faultOf } from './collector-faults.mjs';
import { config, serve } from './serve.mjs';

const faultFor = faultOf(config.fault);
/** Task id → the number that its text begins with, by which an event that came under two ids is found. */
const stored = new Map();
let isBad = true;
let requestsWhileBad = 0;
let duplicatesSent = 0;

const server = createServer(async (req, res) => {
  if (isBad) requestsWhileBad += 1;
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const fault = faultFor({ isBad, bytes: body.length });
  const { status = 200, headers = {}, stores = status === 200, reply = 'whole' } = fault;
  const { batched_log_events: events } = JSON.parse(body);
  if (stores) for (const event of events) store(event);
  if (reply === 'never') return;
  if (reply === 'lost') return res.destroy();
  const answer = status === 200 ? { logged_events: events.map(() => ({})) } : { detail: 'bad' };
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(answer));
});

function store({ task_id, input }) {
  if (stored.has(task_id)) duplicatesSent += 1;
  stored.set(task_id, input.slice(0, input.indexOf(' ')));
}

async function listen(port) {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

/**
 * Below the ephemeral ports: while nobody listens, a client's own socket could get the same port, and be
 * connected to itself.
 */
async function listenAnywhere() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      await listen(port);
      return port;
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error;
    }
  }
}

const port = await listenAnywhere();
if (config.fault === 'refused') await new Promise((resolve) => server.close(resolve));

serve({
  url: () => `http://127.0.0.1:${port}/v2`,
  /** It is well again after so long. */
  begin: (badMs) => {
    setTimeout(async () => {
      isBad = false;
      if (!server.listening) await listen(port);
    }, badMs);
  },
  report: () => ({
    requestsWhileBad,
    duplicatesSent,
    idsStored: stored.size,
    eventsStored: new Set(stored.values()).size,
  }),
});
