// Calls a wrapped function, and says what it cost until all was delivered.

import { loadContender } from '../contenders/load.mjs';
import { COMPLETION, MESSAGES } from '../payloads.mjs';
import { config, cpuUs, serve } from './serve.mjs';

/** As many calls between two turns of the event loop. */
const SLICE = 100;

const contender = await loadContender(config.contender, { url: config.url });
const wrapped = contender.wrap(async (_request) => COMPLETION);

serve({
  run: async (calls) => {
    const before = cpuUs();
    const callerUs = (await call(calls)) / calls;
    await contender.flush();
    return { callerUs, cpuUs: (cpuUs() - before) / calls };
  },
});

/** Makes the calls in slices, as a server would; resolves to the µs in which the caller waited for them. */
async function call(calls) {
  let waited = 0;
  for (let start = 0; start < calls; start += SLICE) {
    const before = performance.now();
    for (let i = 0; i < SLICE; i++) await wrapped(MESSAGES);
    waited += performance.now() - before;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return waited * 1000;
}
