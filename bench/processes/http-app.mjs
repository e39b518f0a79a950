// An Express app with one route, which answers JSON or a stream.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import express from 'express';
import { loadContender } from '../contenders/load.mjs';
import { CHUNK, COMPLETION } from '../payloads.mjs';
import { config, cpuUs, peakBytes, serve } from './serve.mjs';

const contender = await loadContender(config.contender, { url: config.url });
const app = express();
contender.mount?.(app);
app.use(express.json());
const answers = { json: answerJson, events: () => answerStream, long: () => answerAtLength };
app.post('/', answers[config.mode]());

/** What is no middleware wraps the call of the model, as its documentation shows. */
function answerJson() {
  const plain = async (_request) => COMPLETION;
  const complete = contender.mount ? plain : contender.wrap(plain);
  return async (req, res) => res.json(await complete(req.body));
}

async function answerStream(_req, res) {
  res.set('content-type', 'text/event-stream');
  for (let i = 0; i < 50; i++) {
    res.write('data: {"content":"The moon pulls at the sea. "}\n\n');
    await turn();
  }
  res.end('data: [DONE]\n\n');
}

/** 1 MB, as OpenAI streams it: some 4000 tokens. */
async function answerAtLength(_req, res) {
  res.set('content-type', 'text/event-stream');
  for (let sent = 0, i = 0; sent < 1_000_000; i++) {
    const content = i % 7 === 0 ? ' tide.' : ` sea${i}`;
    const chunk = { ...CHUNK, choices: [{ index: 0, delta: { content }, finish_reason: null }] };
    const text = `data: ${JSON.stringify(chunk)}\n\n`;
    sent += text.length;
    if (!res.write(text)) await once(res, 'drain');
    if (i % 10 === 0) await turn();
  }
  res.end('data: [DONE]\n\n');
}

const server = createServer(app).listen(0, '127.0.0.1');
await once(server, 'listening');
serve({
  port: () => server.address().port,
  cpuUs,
  flush: () => contender.flush(),
  peakBytes,
});
