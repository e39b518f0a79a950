import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../runner/child.mjs';

/** An empty PostgreSQL database to measure instead of a SQLite file. */
const { BENCH_DATABASE: database } = process.env;

/** A collector in a process of its own, over a new database; `close` removes it. */
export async function openCollector(options) {
  const folder = await mkdtemp(join(tmpdir(), 'phospho-bench-'));
  try {
    const collector = await start('collector', {
      folder,
      ...(database && { database }),
      ...options,
    });
    return {
      ask: collector.ask,
      address: await collector.ask('address'),
      async close() {
        try {
          await collector.ask('close');
          await collector.stop();
        } finally {
          await rm(folder, { recursive: true });
        }
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
