import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';

/** Median, least and most of a list of figures. */
export function summary(figures) {
  const sorted = [...figures].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], min: sorted[0], max: sorted.at(-1) };
}

export function show({ median, min, max }, digits = 2) {
  return `${median.toFixed(digits)} [${min.toFixed(digits)}–${max.toFixed(digits)}]`;
}

/**
 * A sink that takes log batches as phospho does, and counts their events without parsing them: it shares
 * a processor with the load generator, and its own work must not be taken for the app's.
 */
export async function startSink() {
  const sink = { events: 0 };
  const server = createServer(async (req, res) => {
    let body = '';
    req.setEncoding('latin1');
    for await (const chunk of req) body += chunk;
    let count = 0;
    for (let at = body.indexOf(EVENT); at >= 0; at = body.indexOf(EVENT, at + 1)) count += 1;
    sink.events += count;
    res.setHeader('content-type', 'application/json');
    res.end(`{"logged_events":[${Array(count).fill('{}').join(',')}]}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  sink.url = `http://127.0.0.1:${server.address().port}/v2`;
  sink.close = () => server.close().closeAllConnections();
  return sink;
}

/** How each event of a batch begins. */
const EVENT = '{"task_id":"';

export const MESSAGES = {
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'You are a helpful assistant. '.repeat(12) },
    { role: 'user', content: 'Tell me about the tides, please. '.repeat(18) },
  ],
};

export const COMPLETION = {
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'The moon pulls at the sea. '.repeat(44) },
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 230, completion_tokens: 310, total_tokens: 540 },
};

/** Saturates an app with a number of connections over a stretch of time: requests, and requests a second. */
export async function load(port, { connections = 20, ms = 1_500 } = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const body = JSON.stringify(MESSAGES);
  const until = performance.now() + ms;
  let done = 0;
  const loop = async () => {
    while (performance.now() < until) {
      await new Promise((resolve, reject) => {
        const sent = request(
          {
            port,
            agent,
            method: 'POST',
            path: '/',
            headers: { 'content-type': 'application/json', 'content-length': body.length },
          },
          (res) => res.resume().once('end', resolve),
        );
        sent.once('error', reject);
        sent.end(body);
      });
      done += 1;
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, loop));
  agent.destroy();
  return { requests: done, perSecond: (done * 1000) / (performance.now() - started) };
}
