import { openApps } from './apps.mjs';
import { load } from './load.mjs';

const CONNECTIONS = 20;
const SATURATED_MS = 800;
/** Thousands of requests, until nothing is compiled anew: what records has more code to warm than the bare app. */
const WARMUP_MS = 4_000;
const QUIET_MS = 400;

/** Apps with one route: each is saturated for a while, then asked over a single connection. */
export async function openRoutes(mode) {
  const apps = await openApps('http-app', { mode });
  return {
    async run(contender, { isWarmup }) {
      const app = await apps.get(contender);
      const port = await app.ask('port');
      const before = await app.ask('cpuUs');
      const ms = isWarmup ? WARMUP_MS : SATURATED_MS;
      const saturated = await load(port, { connections: CONNECTIONS, ms });
      const busyUs = (await app.ask('cpuUs')) - before;
      await app.ask('flush');
      const cpuUs = (await app.ask('cpuUs')) - before;
      const quiet = await load(port, { connections: 1, ms: QUIET_MS });
      await app.ask('flush');
      await apps.expectDelivered(contender, saturated.requests + quiet.requests);
      return {
        perSecond: (saturated.requests * 1000) / saturated.ms,
        cpuUs: cpuUs / saturated.requests,
        busy: busyUs / 10 / saturated.ms,
        firstByteMs: quiet.firstByteMs,
        firstByteMsSaturated: saturated.firstByteMs,
      };
    },
    close: apps.close,
  };
}

/** What both suites of routes compare. `busy` tells whether the app or the load was the limit. */
export const routeFigures = (sample, { bare }) =>
  sample === bare
    ? { perSecond: sample.perSecond, busy: sample.busy }
    : {
        ratio: sample.perSecond / bare.perSecond,
        cpuRatio: bare.cpuUs / sample.cpuUs,
        cpu: sample.cpuUs - bare.cpuUs,
        busy: sample.busy,
      };
