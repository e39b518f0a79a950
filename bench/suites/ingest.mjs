import { start } from '../runner/child.mjs';
import { atLeast } from '../runner/figures.mjs';
import { openCollector, openStore, STORES } from './stores.mjs';

const EVENTS = 10_000;
const BATCH = 100;
/** They make an event of 2 KB. */
const OUTPUT_WORDS = 166;
/** Batches under way at once. */
const CONNECTIONS = 4;
const LOAD = { events: EVENTS, batch: BATCH, outputWords: OUTPUT_WORDS, connections: CONNECTIONS };

const floorOf = (store) => `${store}, floor`;

export const ingest = {
  name: 'ingest',
  measures: `${EVENTS} events a round into a collector, in batches of ${BATCH}, each committed and synced before it is acknowledged; floor: their rows alone, a batch by one insert in a transaction`,
  contenders: STORES.flatMap((store) => [store, floorOf(store)]),
  rounds: 5,
  warmups: 1,
  figures: {
    rate: {
      title: 'events/s',
      digits: 0,
      budget: (contender) => (contender === 'SQLite' ? atLeast(5_000) : undefined),
    },
    share: { title: 'of the floor, %', digits: 0 },
    cpu: { title: 'CPU µs of the collector an event', digits: 0 },
    bytes: { title: 'bytes an event', digits: 0 },
  },
  async open() {
    const opened = new Map();
    const closers = [];
    const close = async () => {
      for (const closer of closers.reverse()) await closer();
    };
    try {
      for (const store of STORES) {
        opened.set(store, await openOurs(store, closers));
        opened.set(floorOf(store), await openFloor(store, closers));
      }
    } catch (error) {
      await close();
      throw error;
    }
    return { run: (contender) => opened.get(contender)(), close };
  },
  compare: ({ floor, ...sample }, round) => {
    const reference = floor && round[floor]?.rate;
    return { ...sample, ...(reference && { share: (100 * sample.rate) / reference }) };
  },
};

async function openOurs(store, closers) {
  const collector = await openCollector(store, { apiKey: 'a-key-for-the-bench-alone' });
  closers.push(() => collector.close());
  const sender = await start('sender', { address: collector.address, ...LOAD });
  closers.push(() => sender.stop());
  return async () => {
    const bytes = await sender.ask('prepare');
    const before = await collector.ask('cpuUs');
    const ms = await sender.ask('send');
    const cpu = ((await collector.ask('cpuUs')) - before) / EVENTS;
    return { rate: (EVENTS * 1000) / ms, cpu, bytes, floor: floorOf(store) };
  };
}

async function openFloor(store, closers) {
  const { database, remove } = await openStore(store);
  closers.push(remove);
  const floor = await start('floor', { database, ...LOAD });
  closers.push(() => floor.stop());
  return async () => ({ rate: (EVENTS * 1000) / (await floor.ask('run')) });
}
