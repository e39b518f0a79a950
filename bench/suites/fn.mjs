import { atMost } from '../runner/figures.mjs';
import { openApps } from './apps.mjs';

const CALLS = 3_000;

export const fn = {
  name: 'fn',
  measures: `a wrapped async call, 1 KB in and 1.5 KB out, ${CALLS} calls a round, over the bare call`,
  contenders: ['bare', 'naive', 'ours'],
  takesPeers: true,
  rounds: 15,
  warmups: 5,
  figures: {
    cpu: { title: 'CPU µs a call until delivered, added', digits: 1, budget: atMost(30) },
    caller: { title: 'of it µs in which the caller waits', digits: 1, budget: atMost(8) },
    toNaive: { title: 'the same CPU, against the naive baseline', digits: 2 },
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
        return sample;
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
      ...(naive && naive !== sample && { toNaive: cpu / (naive.cpuUs - bare.cpuUs) }),
    };
  },
};
