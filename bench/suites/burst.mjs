import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atMost, below } from '../runner/figures.mjs';
import { throughOutage } from './outage.mjs';

const COUNT = 20_000;
const BYTES = 8_000;
const DOWN_MS = 10_000;
/** The longest pause between two probes is 30 s. */
const LIMIT_MS = 50_000;
const WITH_SPOOL = 'ours, spool';

export const burst = {
  name: 'burst',
  measures: `${COUNT} events of ${BYTES} bytes logged in one go, the collector down for ${DOWN_MS / 1000} s`,
  contenders: ['bare', 'naive', 'ours', WITH_SPOOL],
  rounds: 3,
  figures: {
    peak: { title: 'peak of memory, MB', digits: 0 },
    memory: { title: "MB over the bare app's peak", digits: 0, budget: atMost(150) },
    lagP99: { title: 'event-loop lag p99, ms', digits: 1, budget: below(50) },
    lagMax: { title: 'event-loop lag max, ms', digits: 0 },
    lost: {
      title: 'events lost',
      digits: 0,
      budget: (contender) => (contender === WITH_SPOOL ? atMost(0) : undefined),
    },
    dropped: { title: 'events dropped, by the ledger', digits: 0 },
    uncounted: { title: 'lost and not counted, or the reverse', digits: 0, budget: atMost(0) },
    settled: { title: 's until settled, once the collector is up', digits: 1 },
  },
  reference: {
    title: 'Peers (research, 23 Nov 2026)',
    columns: ['', 'lost', 'peak of memory, MB', 'event-loop lag max, s'],
    rows: [
      ['Segment', '0', '1185', '4.3'],
      ['Amplitude', '0', '369', '0.28'],
      ['PostHog', '50 %', '267', '1.6'],
      ['OpenTelemetry', '90 %', '149', '0.42'],
      ['Sentry', '100 %', '204', '2.9'],
    ],
  },
  open: () => ({ run, close: () => {} }),
  compare: (sample, { bare }) => {
    const figures = {
      peak: sample.peakBytes / 1e6,
      lagP99: sample.lagP99Ms,
      lagMax: sample.lagMaxMs,
    };
    if (sample === bare) return figures;
    const lost = COUNT - sample.eventsStored;
    return {
      ...figures,
      memory: (sample.peakBytes - bare.peakBytes) / 1e6,
      lost,
      dropped: sample.dropped,
      uncounted: Math.abs(lost - sample.dropped),
      settled: sample.settledMs / 1000,
    };
  },
};

async function run(contender) {
  const dir =
    contender === WITH_SPOOL ? await mkdtemp(join(tmpdir(), 'phospho-bench-')) : undefined;
  try {
    return await throughOutage({
      fault: 'refused',
      badMs: DOWN_MS,
      limitMs: LIMIT_MS,
      contender: contender === WITH_SPOOL ? 'ours' : contender,
      options: dir && { spool: { dir } },
      work: ['burst', { count: COUNT, bytes: BYTES }],
    });
  } finally {
    if (dir) await rm(dir, { recursive: true });
  }
}
