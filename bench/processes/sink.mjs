// Takes what contenders deliver, answers each as it expects, and counts events without parsing them.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { serve } from './serve.mjs';

/** By the request's path: what each event has once, and the answer. Inside a text the quotes are escaped. */
const APIS = [
  { path: '/log/', mark: '"task_id":"', answer: logged },
  { path: '/traces', mark: '"spanId":"', answer: () => '{}' },
  { path: '/batch', mark: '"distinct_id":"', answer: () => '{"status":1}' },
];

let events = 0;
/** Of a body that was too long for the middleware. */
const CUT = '"response_cut":true';
let cut = 0;
const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const sent = Buffer.concat(chunks);
  const body = req.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
  const api = APIS.find(({ path }) => req.url.includes(path));
  if (!api) return res.writeHead(404).end();
  const count = occurrences(body, api.mark);
  events += count;
  cut += occurrences(body, CUT);
  res.setHeader('content-type', 'application/json');
  res.end(api.answer(count));
}).listen(0, '127.0.0.1');
await once(server, 'listening');

function occurrences(body, mark) {
  let count = 0;
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) count += 1;
  return count;
}

function logged(count) {
  return `{"logged_events":[${Array(count).fill('{}').join(',')}]}`;
}

serve({
  url: () => `http://127.0.0.1:${server.address().port}/v2`,
  /** Events since the last time. */
  take: () => {
    const taken = events;
    events = 0;
    return taken;
  },
  cut: () => {
    const taken = cut;
    cut = 0;
    return taken;
  },
});
