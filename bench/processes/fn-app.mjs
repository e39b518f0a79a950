// Calls a wrapped function, and says what it cost until all was delivered.

import { loadContender } from '../contenders/load.mjs';
import { COMPLETION, MESSAGES } from '../payloads.mjs';
import { config, cpuUs, serve } from './serve.mjs';

/** As many calls between two turns of the event loop. */
const SLICE = 100;

/** Items of a stream: words of the answer, as a model's chunks are. */
const ITEMS = COMPLETION.choices[0].message.content.match(/.{1,24}/g).slice(0, 50);
/** Streams read at once. */
const STREAMS = 10;

const contender = await loadContender(config.contender, { url: config.url });
const wrapped = contender.wrap(async (_request) => COMPLETION);
const sync = contender.wrap((_request) => COMPLETION);
const stream = contender.wrap(async function* (_request) {
  yield* ITEMS;
});

serve({
  run: (calls) =>
    measured(calls, async () => {
      for (let i = 0; i < SLICE; i++) await wrapped(MESSAGES);
    }),
  /** The same of a function that is not async. Only of what does not make it so. */
  runSync: (calls) =>
    measured(calls, async () => {
      for (let i = 0; i < SLICE; i++) sync(MESSAGES);
    }),
  /** The same of the items of async generators, a stream's own cost among them. */
  runItems: (streams) => measured(streams * ITEMS.length, readStreams, STREAMS * ITEMS.length),
});

async function readStreams() {
  for (let i = 0; i < STREAMS; i++) for await (const _ of stream(MESSAGES));
}

/** Makes the calls in slices, as a server would: µs in which the caller waited for each, and of CPU in all. */
async function measured(calls, slice, sliceLength = SLICE) {
  const cpuBefore = cpuUs();
  let waited = 0;
  for (let start = 0; start < calls; start += sliceLength) {
    const before = performance.now();
    await slice();
    waited += performance.now() - before;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const callerUs = (waited * 1000) / calls;
  await contender.flush();
  return { callerUs, cpuUs: (cpuUs() - cpuBefore) / calls };
}
