import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { PASSWORD } from './postgres.ts';

/** What the contract's tests run on: see the projects of vitest.config.ts. */
export type Kind = 'sqlite' | 'libsql' | 'postgres' | 'partitioned';

export const kind: Kind = (process.env.TEST_STORE as Kind | undefined) ?? 'sqlite';
export const PARTITIONS = 4;

/** Databases with the schema and nothing else. */
export const TEMPLATES = { postgres: 'template_plain', partitioned: 'template_cut' } as const;

/**
 * The options of a collector over an empty database, of the kind that this run is about, until the test ends.
 */
export async function emptyDatabase(): Promise<{ database: string; poolSize?: number }> {
  if (kind === 'sqlite' || kind === 'libsql') return { database: 'sqlite::memory:' };
  const name = free.pop() ?? (await create(TEMPLATES[kind]));
  onTestFinished(async () => {
    await empty(name);
    free.push(name);
  });
  return { database: postgresUrl(name), poolSize: 5 };
}

/** The like, which several collectors may open: in a file, where it is SQLite. */
export async function emptyFile(): Promise<{ database: string; poolSize?: number }> {
  if (kind !== 'sqlite' && kind !== 'libsql') return emptyDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'phospho-database-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { database: `sqlite:${join(folder, 'phospho.db')}` };
}

/** A new database of the run's PostgreSQL, without any table. */
export async function newPostgres(): Promise<string> {
  const name = await create('template1');
  onTestFinished(async () => {
    await asAdmin('postgres', `drop database ${name} with (force)`);
  });
  return postgresUrl(name);
}

/** Made earlier by this worker, and emptied: that takes a tenth of the time. */
const free: string[] = [];
let count = 0;

async function create(template: string): Promise<string> {
  const name = `test_${process.pid}_${process.env.VITEST_POOL_ID}_${++count}`;
  await asAdmin('postgres', `create database ${name} template ${template} strategy file_copy`);
  return name;
}

const TABLES = [
  'audit',
  'removed_tasks',
  'otlp_spans',
  'otlp_traces',
  'evals',
  'comparisons',
  'tests',
  'task_search',
  'task_stats',
  'tasks',
  'sessions',
];

async function empty(name: string): Promise<void> {
  const all = [...TABLES, 'api_keys', 'logins', 'projects'];
  await asAdmin(name, all.map((table) => `delete from ${table}`).join('; '));
}

async function asAdmin(database: string, statement: string): Promise<void> {
  const client = new pg.Client(postgresUrl(database));
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function postgresUrl(database: string): string {
  return `postgres://phospho:${PASSWORD}@127.0.0.1:${inject('postgresPort')}/${database}`;
}
