import { start } from '../runner/child.mjs';
import { atLeast } from '../runner/figures.mjs';
import { openCollector } from './collector.mjs';

const EVENTS = 10_000;
const BATCH = 100;

export const ingest = {
  name: 'ingest',
  measures: `${EVENTS} events a round into a collector over ${process.env.BENCH_DATABASE ? 'PostgreSQL' : 'SQLite'}, in batches of ${BATCH}, each committed and synced before it is acknowledged`,
  contenders: ['ours'],
  rounds: 5,
  figures: {
    rate: { title: 'events/s', digits: 0, budget: atLeast(5_000) },
    cpu: { title: 'CPU µs of the collector an event', digits: 0 },
    bytes: { title: 'bytes an event', digits: 0 },
  },
  async open() {
    const collector = await openCollector({ apiKey: 'a-key-for-the-bench-alone' });
    const { address } = collector;
    const sender = await start('sender', { address, events: EVENTS, batch: BATCH, connections: 4 });
    return {
      async run() {
        const bytes = await sender.ask('prepare');
        const before = await collector.ask('cpuUs');
        const ms = await sender.ask('send');
        const cpu = ((await collector.ask('cpuUs')) - before) / EVENTS;
        return { rate: (EVENTS * 1000) / ms, cpu, bytes };
      },
      async close() {
        await sender.stop();
        await collector.close();
      },
    };
  },
  compare: (sample) => sample,
};
