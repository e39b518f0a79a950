import type { TestProject } from 'vitest/node';
import { openStore } from '../../src/collector/store/open-store.ts';
import { PARTITIONS, TEMPLATES } from './databases.ts';
import { makePostgres, type Postgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the run's PostgreSQL listens. */
    postgresPort: number;
  }
}

/** One server for all projects of a run, with a database of each kind to copy from. */
let starting: Promise<Postgres> | undefined;
let users = 0;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  users++;
  starting ??= start();
  const postgres = await starting;
  project.provide('postgresPort', postgres.port);
  return async () => {
    users--;
    if (users === 0) await postgres.remove();
  };
}

async function start(): Promise<Postgres> {
  const postgres = await makePostgres();
  for (const [name, partitions] of [
    [TEMPLATES.postgres, 0],
    [TEMPLATES.partitioned, PARTITIONS],
  ] as const) {
    await postgres.run('postgres', `create database ${name}`);
    const url = postgres.url(name);
    await (await openStore({ kind: 'postgres', url, poolSize: 2, partitions })).close();
  }
  return postgres;
}
