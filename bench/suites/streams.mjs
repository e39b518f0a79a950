import { atMost } from '../runner/figures.mjs';
import { openApps } from './apps.mjs';
import { answersOf } from './load.mjs';

const CONNECTIONS = 500;
const MB = 1e6;
/** What the bodies of all requests under way may take, and what else there is to recording them. */
const BUDGET_MB = (64 * 1024 * 1024) / MB + 30;

export const streams = {
  name: 'streams',
  measures: `${CONNECTIONS} answers of 1 MB each, streamed at once`,
  contenders: ['bare', 'ours'],
  rounds: 1,
  figures: {
    peak: { title: 'peak of memory, MB', digits: 0 },
    memory: {
      title: "MB over the bare app's peak",
      digits: 0,
      budget: atMost(Math.round(BUDGET_MB)),
    },
    cut: { title: 'answers recorded in part', digits: 0, budget: atMost(0) },
    seconds: { title: 's until all are answered', digits: 1 },
  },
  open: async () => {
    const apps = await openApps('http-app', { mode: 'long' });
    return {
      async run(contender) {
        const app = await apps.get(contender);
        const seconds = await answersOf(await app.ask('port'), CONNECTIONS);
        await app.ask('flush');
        const cut = await apps.cut();
        await apps.expectDelivered(contender, CONNECTIONS);
        return { peakBytes: await app.ask('peakBytes'), seconds, cut };
      },
      close: apps.close,
    };
  },
  compare: (sample, { bare }) => ({
    peak: sample.peakBytes / MB,
    seconds: sample.seconds,
    ...(sample === bare
      ? {}
      : { memory: (sample.peakBytes - bare.peakBytes) / MB, cut: sample.cut }),
  }),
};
