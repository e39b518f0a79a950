import { atMost } from '../runner/figures.mjs';
import { openApps } from './apps.mjs';

const CALLS = 3_000;
/** Of 50 items each. */
const STREAMS = 100;
/** Those that leave a function's kind as it is; the others make all of them async. */
const KEEPS_KIND = new Set(['bare', 'ours']);

export const fn = {
  name: 'fn',
  measures: `wrapped calls, 1 KB in and 1.5 KB out, ${CALLS} a round, and ${STREAMS} streams of 50 items, over the bare ones`,
  contenders: ['bare', 'naive', 'ours'],
  takesPeers: true,
  rounds: 15,
  warmups: 5,
  figures: {
    cpu: { title: 'async call: CPU µs until delivered, added', digits: 1, budget: atMost(30) },
    caller: { title: 'of it µs in which the caller waits', digits: 1, budget: atMost(8) },
    toNaive: { title: 'the same CPU, against the naive baseline', digits: 2 },
    syncCpu: { title: 'sync call: CPU µs until delivered, added', digits: 1, budget: atMost(30) },
    syncCaller: { title: 'of it µs in which the caller waits', digits: 1, budget: atMost(8) },
    itemCpu: { title: 'item of an async generator: CPU µs, added', digits: 2 },
    itemCaller: { title: 'of it µs in which the reader waits', digits: 2 },
  },
  reference: {
    title: 'Peers (research, 23 Nov 2026)',
    columns: ['', 'CPU µs', 'caller µs'],
    rows: [
      ['OpenTelemetry', '41.7', '17.5'],
      ['phosphojs', '44.5', '15.0'],
      ['Langfuse 5', '84.4', '61.2'],
      ['PostHog', '127.6', '57.1'],
    ],
  },
  async open() {
    const apps = await openApps('fn-app');
    return {
      async run(contender) {
        const app = await apps.get(contender);
        const sample = await app.ask('run', CALLS);
        await apps.expectDelivered(contender, CALLS);
        if (!KEEPS_KIND.has(contender)) return sample;
        const sync = await app.ask('runSync', CALLS);
        await apps.expectDelivered(contender, CALLS);
        const item = await app.ask('runItems', STREAMS);
        await apps.expectDelivered(contender, STREAMS);
        return { ...sample, sync, item };
      },
      close: apps.close,
    };
  },
  compare: (sample, { bare, naive }) => {
    if (sample === bare) return {};
    const cpu = sample.cpuUs - bare.cpuUs;
    return {
      cpu,
      caller: sample.callerUs - bare.callerUs,
      ...(sample.sync && {
        syncCpu: sample.sync.cpuUs - bare.sync.cpuUs,
        syncCaller: sample.sync.callerUs - bare.sync.callerUs,
        itemCpu: sample.item.cpuUs - bare.item.cpuUs,
        itemCaller: sample.item.callerUs - bare.item.callerUs,
      }),
      ...(naive && naive !== sample && { toNaive: cpu / (naive.cpuUs - bare.cpuUs) }),
    };
  },
};
