// An app that logs events while the collector is bad, and says what that did to it.

import { subscribe } from 'node:diagnostics_channel';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadContender } from '../contenders/load.mjs';
import { textMaker } from '../payloads.mjs';
import { config, peakBytes, serve } from './serve.mjs';

/** The histogram's samples include the pause between two of them. */
const RESOLUTION_MS = 10;
/** What an app with as many requests under way holds itself, whether or not they are recorded. */
const UNDER_WAY = 100;

const textOf = textMaker();
const lag = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const held = [];
let connects = 0;
let contender;
let refusal;
try {
  contender = await loadContender(config.contender, { url: config.url, ...config.options });
} catch (error) {
  if (!config.options) throw error;
  refusal = error.message;
}

function log(index, bytes) {
  const task = { input: `${index} ${textOf(index, 64)}`, output: textOf(index, bytes - 64) };
  held[index % UNDER_WAY] = task;
  contender.log(task);
}

/** Attempts that are refused never become requests that the collector could count. */
function countConnects(forMs) {
  const until = performance.now() + forMs;
  subscribe('net.client.socket', () => {
    if (performance.now() < until) connects += 1;
  });
}

serve({
  /** Why the contender refuses its options, if it does. */
  refusal: () => refusal,
  begin: (badMs) => {
    countConnects(badMs);
    lag.enable();
  },
  /** All in one go. */
  burst: ({ count, bytes }) => {
    for (let index = 0; index < count; index++) log(index, bytes);
  },
  /** So many a second; each `every`th is large. */
  pace: async ({ count, perSecond, bytes, every = 0, largeBytes }) => {
    const started = performance.now();
    for (let index = 0; index < count; ) {
      const due = ((performance.now() - started) * perSecond) / 1000;
      for (; index < due && index < count; index++) {
        log(index, every > 0 && index % every === 0 ? largeBytes : bytes);
      }
      await sleep(5);
    }
  },
  ledger: () => contender.ledger(),
  shutdown: () => contender.shutdown(),
  usage: () => ({
    connects,
    peakBytes: peakBytes(),
    lagP99Ms: lag.percentile(99) / 1e6 - RESOLUTION_MS,
    lagMaxMs: lag.max / 1e6 - RESOLUTION_MS,
  }),
});
