import { FAULT_NAMES } from '../processes/collector-faults.mjs';
import { atMost } from '../runner/figures.mjs';
import { throughOutage } from './outage.mjs';

const COUNT = 1_000;
const BAD_MS = 15_000;
const LIMIT_MS = 70_000;
/** Of 20 events one is larger than the collector takes. */
const LARGE = { every: 20, largeBytes: 4_000 };

/** A fault that lasts is no outage: the collector answers, and what is halved needs more requests. */
const isOutage = (fault) => !fault.startsWith('413');

export const faults = {
  name: 'faults',
  measures: `${COUNT} events at 100/s, the collector bad for the first ${BAD_MS / 1000} s (413: throughout)`,
  contenders: FAULT_NAMES,
  rounds: 1,
  isParallel: true,
  figures: {
    lost: { title: 'events lost', digits: 0, budget: atMost(0) },
    requests: {
      title: `requests in the ${BAD_MS / 1000} s`,
      digits: 0,
      budget: (fault) => (isOutage(fault) ? atMost(10) : undefined),
    },
    sent: { title: 'events sent again although stored', digits: 0 },
    stored: { title: 'events stored twice', digits: 0, budget: atMost(0) },
    settled: { title: 's until settled, once the collector is well', digits: 1 },
  },
  reference: {
    title:
      'Peers (research, 23 Nov 2026): lost / requests in the 15 s; their events were all under 3 KB',
    columns: ['', 'refused', '503', '500', '429', '413', 'no reply', 'lost reply: sent again'],
    rows: [
      ['Segment', '0 %', '0 % / 224', '0 % / 225', '0 % / 101', '100 % / 66', '0 % / 89', '3390'],
      ['PostHog', '0 %', '2 % / 6', '2 % / 6', '2 % / 6', '0 % / 101', '0 % / 2', '280'],
      ['Amplitude', '99 %', '0 % / 5', '0 % / 5', '0 % / 5', '0 % / 5', '0 % / 1', '0'],
      [
        'OpenTelemetry',
        '50 %',
        '50 % / 5',
        '100 % / 2',
        '50 % / 2',
        '100 % / 2',
        '50 % / 1',
        '2000',
      ],
      ['Sentry', '100 %', '100 % / 1000', '100 % / 1000', '100 % / 20', '', '100 % / 30', '0'],
      [
        'Mixpanel',
        '100 %',
        '100 % / 1000',
        '100 % / 1000',
        '100 % / 1000',
        '',
        '100 % / 1000',
        '0',
      ],
    ],
  },
  open: () => ({ run, close: () => {} }),
  compare: (sample) => ({
    lost: COUNT - sample.eventsStored,
    requests: sample.requests,
    sent: sample.duplicatesSent,
    stored: sample.idsStored - sample.eventsStored,
    settled: sample.settledMs / 1000,
  }),
};

async function run(fault) {
  const work = { count: COUNT, perSecond: 100, bytes: 250, ...(!isOutage(fault) && LARGE) };
  const sample = await throughOutage({
    fault,
    badMs: BAD_MS,
    limitMs: LIMIT_MS,
    contender: 'ours',
    work: ['pace', work],
  });
  const requests = fault === 'refused' ? sample.connects : sample.requestsWhileBad;
  return { ...sample, requests };
}
