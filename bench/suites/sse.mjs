import { atLeast, atMost } from '../runner/figures.mjs';
import { openRoutes, routeFigures } from './routes.mjs';

export const sse = {
  name: 'sse',
  measures: 'a route that answers with a stream of 50 chunks, saturated by 20 connections',
  contenders: ['bare', 'naive', 'ours'],
  rounds: 16,
  warmups: 2,
  figures: {
    perSecond: { title: 'requests/s', digits: 0 },
    ratio: { title: 'requests/s against the bare app', digits: 2, budget: atLeast(0.95) },
    cpuRatio: { title: 'requests per CPU second against it', digits: 2 },
    cpu: { title: 'CPU µs a request, added', digits: 0 },
    firstByte: { title: 'first byte, one connection: % later', digits: 1, budget: atMost(5) },
    firstByteSaturated: { title: 'first byte, saturated: % later', digits: 1, budget: atMost(5) },
    busy: { title: 'CPU of the app while loaded, %', digits: 0 },
  },
  reference: {
    title: 'Peers (research, 23 Nov 2026; first byte: saturated)',
    columns: ['', 'requests/s', 'CPU µs added', 'first byte, % later'],
    rows: [
      ['OpenTelemetry', '0.82', '273', '39'],
      ['PostHog', '0.78', '317', '68'],
      ['Langfuse 5', '0.73', '370', '76'],
      ['Moesif', '0.63', '987', '79'],
      ['phosphojs', '0.53', '902', '73'],
    ],
  },
  open: () => openRoutes('events'),
  compare: (sample, { bare }) => ({
    ...routeFigures(sample, { bare }),
    ...(sample !== bare && {
      firstByte: (sample.firstByteMs / bare.firstByteMs - 1) * 100,
      firstByteSaturated: (sample.firstByteMsSaturated / bare.firstByteMsSaturated - 1) * 100,
    }),
  }),
};
