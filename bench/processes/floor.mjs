// What a database takes at most: the rows of tasks as a collector stores them, each batch by one insert in a
// transaction of its own. No HTTP, no checks, no search, sessions or statistics.

import { createCollector } from 'phospho-express/collector';
import { batchesOf, post } from '../seed.mjs';
import { config, serve } from './serve.mjs';

const { database, events, batch, outputWords, connections } = config;

await storeOnce();
const isSqlite = database.startsWith('sqlite:');
const connect = isSqlite ? await sqlite() : await postgres();
const rows = await readRows();
const columns = Object.keys(rows[0]);
let runs = 0;

serve({
  /** Resolves to the milliseconds that it took. */
  run: async () => {
    runs += 1;
    const batches = [];
    for (let start = 0; start < rows.length; start += batch) {
      batches.push(rows.slice(start, start + batch).map(asNew));
    }
    const started = performance.now();
    await Promise.all(Array.from({ length: isSqlite ? 1 : connections }, () => drain(batches)));
    return performance.now() - started;
  },
});

/** A collector makes the tables, and the rows to copy. */
async function storeOnce() {
  const collector = await createCollector({ database, port: 0 });
  await collector.listen();
  for (const part of batchesOf({ tasks: events, days: 0.01, batch, outputWords })) {
    await post(collector, part);
  }
  await collector.close();
}

async function readRows() {
  const { query, close } = await connect();
  const found = await query('select * from tasks', []);
  await close();
  if (found.length !== events) throw new Error(`${found.length} rows`);
  return found;
}

function asNew(row) {
  const moved = Number(row.received_us) + runs * 86_400_000_000;
  return Object.values({ ...row, id: `run${runs}_${row.id}`, received_us: moved });
}

async function drain(batches) {
  const { query, placeholder, close } = await connect();
  for (let values = batches.pop(); values !== undefined; values = batches.pop()) {
    let index = 0;
    const tuples = values.map((row) => `(${row.map(() => placeholder(++index))})`);
    await query('begin', []);
    await query(`insert into tasks (${columns}) values ${tuples}`, values.flat());
    await query('commit', []);
  }
  await close();
}

/** Of several connections to SQLite one writes at a time, so there is one. */
async function sqlite() {
  const path = database.slice('sqlite:'.length);
  const Driver =
    process.getBuiltinModule('node:sqlite')?.DatabaseSync ?? (await import('libsql')).default;
  const isNode = process.getBuiltinModule('node:sqlite') !== undefined;
  const db = new Driver(path);
  for (const pragma of ['journal_mode = wal', 'synchronous = full'])
    db.prepare(`pragma ${pragma}`).all();
  const kept = new Map();
  const query = async (sql, values) => {
    const statement = kept.get(sql) ?? db.prepare(sql);
    kept.set(sql, statement);
    const call = /^select/.test(sql) ? 'all' : 'run';
    return isNode ? statement[call](...values) : statement[call](values);
  };
  return async () => ({ query, placeholder: () => '?', close: async () => {} });
}

async function postgres() {
  const { default: pg } = await import('pg');
  return async () => {
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    return {
      query: async (text, values) => (await client.query({ text, values, ...named(text) })).rows,
      placeholder: (index) => `$${index}`,
      close: () => client.end(),
    };
  };
}

/** Planned once a connection. */
function named(text) {
  return text.startsWith('insert') ? { name: `insert of ${text.length}` } : {};
}
