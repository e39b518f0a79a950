import { atLeast } from '../runner/figures.mjs';
import { openRoutes, routeFigures } from './routes.mjs';

export const http = {
  name: 'http',
  measures:
    'a route that answers 1 KB of messages with 1.5 KB of JSON, saturated by 20 connections',
  contenders: ['bare', 'naive', 'ours'],
  takesPeers: true,
  rounds: 16,
  warmups: 2,
  figures: {
    perSecond: { title: 'requests/s', digits: 0 },
    ratio: { title: 'requests/s against the bare app', digits: 2, budget: atLeast(0.92) },
    cpuRatio: { title: 'requests per CPU second against it', digits: 2 },
    cpu: { title: 'CPU µs a request, added', digits: 0 },
    busy: { title: 'CPU of the app while loaded, %', digits: 0 },
  },
  reference: {
    title: 'Peers (research, 23 Nov 2026)',
    columns: ['', 'requests/s', 'CPU µs added'],
    rows: [
      ['phosphojs', '0.78', '88'],
      ['OpenTelemetry', '0.77', '76'],
      ['Langfuse 5', '0.62', '107'],
      ['PostHog', '0.55', '173'],
      ['Moesif', '0.38', '383'],
    ],
  },
  open: () => openRoutes('json'),
  compare: routeFigures,
};
