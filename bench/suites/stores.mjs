import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../runner/child.mjs';

/** An empty PostgreSQL database to measure instead of one that the bench makes. */
const { BENCH_DATABASE: given } = process.env;

export const STORES = ['SQLite', 'PostgreSQL'];

/** A new database of a kind, as a URL; `remove` ends it. */
export async function openStore(kind) {
  if (kind === 'PostgreSQL') {
    if (given) return { database: given, remove: async () => {} };
    const postgres = await start('postgres');
    return {
      database: await postgres.ask('url'),
      async remove() {
        await postgres.ask('remove');
        await postgres.stop();
      },
    };
  }
  const folder = await mkdtemp(join(tmpdir(), 'phospho-bench-'));
  return {
    database: `sqlite:${join(folder, 'phospho.db')}`,
    remove: () => rm(folder, { recursive: true }),
  };
}

/** A collector in a process of its own, over a new database. */
export async function openCollector(kind, options) {
  const { database, remove } = await openStore(kind);
  try {
    const collector = await start('collector', { database, ...options });
    return {
      ask: collector.ask,
      database,
      address: await collector.ask('address'),
      async close() {
        try {
          await collector.ask('close');
          await collector.stop();
        } finally {
          await remove();
        }
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
