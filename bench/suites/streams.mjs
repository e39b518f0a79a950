import { atMost } from '../runner/figures.mjs';
import { openApps } from './apps.mjs';
import { answersOf } from './load.mjs';

const CONNECTIONS = 500;
/** Answers before, one at a time: Node compiles the HTTP client's parser meanwhile, which takes 40 MB for a moment. */
const WARM_UP = 40;
const MB = 1e6;
/** What the bodies of all requests under way may take, and what else there is to recording them. */
const BUDGET_MB = (64 * 1024 * 1024) / MB + 30;

export const streams = {
  name: 'streams',
  measures: `${CONNECTIONS} answers of 1 MB each, streamed at once by an app that has answered before`,
  contenders: ['bare', 'ours'],
  rounds: 3,
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
        const app = await apps.startAnew(contender);
        const port = await app.ask('port');
        for (let i = 0; i < WARM_UP; i++) {
          await answersOf(port, 1);
          await app.ask('flush');
        }
        await apps.expectDelivered(contender, WARM_UP);
        const seconds = await answersOf(port, CONNECTIONS);
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
