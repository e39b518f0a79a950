/**
 * An Express app with the middleware streams answers to clients of its own, a part of whom leave early, for
 * SECONDS at RATE requests a second. Tells what is left in the process: heap, listeners, timers, sockets.
 */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { Phospho } from '../../../src/index.ts';
import { isBalanced } from '../../../src/testing.ts';

const seconds = Number(process.env.SECONDS);
const rate = Number(process.env.RATE);
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

const phospho = new Phospho({ logLevel: 'silent' });
let sockets = 0;
let leaks = 0;

const app = express().use(phospho.middleware(), express.json());
app.post('/chat', async (_req, res) => {
  res.type('text/event-stream');
  for (let n = 0; n < 20 && !res.destroyed; n++) {
    res.write(`data: {"content":"word ${n} "}\n\n`);
    if (n % 5 === 4) await delay(2);
  }
  res.end('data: [DONE]\n\n');
  setTimeout(() => {
    // Node's own are gone with the response; what is left after a while would be somebody else's.
    if (res.listenerCount('close') + res.listenerCount('finish') > 4) leaks += 1;
  }, 100);
});
const server = createServer(app).listen(0, '127.0.0.1');
server.on('connection', (socket) => {
  sockets += 1;
  socket.on('close', () => {
    sockets -= 1;
  });
});
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;
const agent = new Agent({ keepAlive: true, maxSockets: 50 });
const body = JSON.stringify({ messages: [{ role: 'user', content: 'Lisbon in the rain?' }] });

let sent = 0;
let left = 0;
function ask(): Promise<void> {
  sent += 1;
  return new Promise((resolve) => {
    const one = request({
      port,
      agent,
      path: '/chat',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    one.on('response', (response) => {
      response.on('data', () => {
        if (Math.random() > 0.02) return;
        left += 1;
        one.destroy();
      });
      response.on('error', () => {});
      response.on('close', resolve);
    });
    one.on('error', () => resolve());
    one.end(body);
  });
}

const heaps: number[] = [];
const countOf = (kind: string) =>
  process.getActiveResourcesInfo().filter((name) => name === kind).length;
const timersBefore = countOf('Timeout');
const listenersBefore = process
  .eventNames()
  .reduce((sum, name) => sum + process.listenerCount(name), 0);

const SAMPLES = 6;
const start = performance.now();
for (let sample = 0; sample < SAMPLES; sample++) {
  const asked: Promise<void>[] = [];
  const until = start + ((sample + 1) / SAMPLES) * seconds * 1_000;
  const from = performance.now();
  let count = 0;
  while (performance.now() < until) {
    while (count < ((performance.now() - from) / 1_000) * rate) {
      count += 1;
      asked.push(ask());
    }
    await delay(5);
  }
  await Promise.all(asked);
  await phospho.flush();
  globalThis.gc?.();
  heaps.push(process.memoryUsage().heapUsed);
}
agent.destroy();
await delay(200);
const timers = countOf('Timeout') - timersBefore;
const { captured, delivered, queued, pending, inFlight } = (await phospho.flush()).events;
server.close();
const ledger = await phospho.shutdown();
const listeners =
  process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0) -
  listenersBefore;
process.stdout.write(
  JSON.stringify({
    heaps,
    timers,
    listeners,
    leaks,
    sockets,
    warnings,
    sent,
    left,
    captured,
    delivered,
    waiting: queued + pending + inFlight,
    isBalanced: isBalanced(ledger),
    dropped: ledger.events.dropped,
  }),
);
