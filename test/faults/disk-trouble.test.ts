import cluster from 'node:cluster';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Phospho, type PhosphoOptions } from 'phospho-express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { expectBalanced, KEY, logTasks, phosphoFor, SILENT } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'phospho-disk-'));
});

afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

/** Tasks, and a flag for the last, that a process has left in the spool; returns the file they are in. */
async function leave(count: number, dir = join(base, 'spool')): Promise<string> {
  const double = new PhosphoDouble();
  double.behave = () => ({ status: 503 });
  const phospho = new Phospho({
    apiKey: KEY,
    projectId: 'p',
    logger: SILENT,
    baseUrl: await double.serve(),
    spool: { dir },
  });
  const ids = logTasks(phospho, count);
  await vi.waitFor(() => expect(phospho.stats().events.pending).toBe(0));
  phospho.flag(ids.at(-1) ?? '', 'success');
  const ledger = await phospho.shutdown({ timeoutMs: 0 });
  expectBalanced(ledger);
  expect(ledger.events.spooled).toBe(count);
  expect(ledger.flags.spooled).toBe(1);
  const owned = readdirSync(dir)[0] ?? '';
  expect(readdirSync(join(dir, owned))).toEqual(['00000001.log']);
  return join(dir, owned, '00000001.log');
}

/** Another process, with a server that is well. */
async function next(options: Partial<PhosphoOptions> = {}): Promise<{
  phospho: Phospho;
  double: PhosphoDouble;
}> {
  const double = new PhosphoDouble();
  const phospho = phosphoFor({
    baseUrl: await double.serve(),
    spool: { dir: join(base, 'spool') },
    ...options,
  });
  return { phospho, double };
}

const idsUpTo = (count: number): string[] => Array.from({ length: count }, (_, n) => `t${n}`);
const spoolIsEmpty = (): void => expect(readdirSync(join(base, 'spool'))).toEqual([]);

describe('what an earlier process has left', () => {
  it('is sent once, in order, its flag after its task, and the directory is empty afterwards', async () => {
    await leave(1_000);
    const { phospho, double } = await next();
    await vi.waitFor(spoolIsEmpty, 10_000);
    expect([...double.stored.keys()]).toEqual(idsUpTo(1_000));
    expect([...double.storings.values()].every((count) => count === 1)).toBe(true);
    expect(double.flags).toMatchObject([{ taskId: 't999', flag: 'success' }]);
    const paths = double.asked.map(({ path }) => path.includes('/flag'));
    expect(paths.indexOf(true)).toBe(paths.length - 1);
    expect(phospho.stats().events).toMatchObject({
      recovered: 1_000,
      delivered: 1_000,
      dropped: {},
    });
  });

  it('costs one record for a byte that has flipped, wherever it is, and says so', async () => {
    const file = await leave(20);
    const bytes = readFileSync(file);
    const lines = bytes.toString('latin1').split('\n');
    const at = (line: number): number => lines.slice(0, line).join('\n').length + 1;
    // In a text, in a head, in the end of a line: the last costs none.
    for (const offset of [at(3) + 80, at(7) + 2, at(12) - 1]) bytes[offset] = 0x7e;
    writeFileSync(file, bytes);
    const dropped: unknown[] = [];
    const { phospho, double } = await next({ onDrop: (info) => dropped.push(info) });
    await vi.waitFor(spoolIsEmpty, 10_000);
    const lost = ['t3', 't7'];
    expect([...double.stored.keys()]).toEqual(idsUpTo(20).filter((id) => !lost.includes(id)));
    expect(phospho.stats().events).toMatchObject({ recovered: 20, dropped: { corrupt: 2 } });
    expect(dropped).toMatchObject([{ kind: 'event', reason: 'corrupt', count: 2 }]);
  });

  it('is read up to a torn tail', async () => {
    const file = await leave(20);
    const lines = readFileSync(file, 'latin1').split('\n');
    writeFileSync(file, `${lines.slice(0, 12).join('\n')}\n${lines[12]?.slice(0, 70)}`, 'latin1');
    const { phospho, double } = await next();
    await vi.waitFor(spoolIsEmpty, 10_000);
    expect([...double.stored.keys()]).toEqual(idsUpTo(12));
    expect(phospho.stats().events).toMatchObject({ recovered: 13, dropped: { corrupt: 1 } });
  });

  it('is found among files that are empty, garbage, or of somebody else, which throw nothing', async () => {
    const file = await leave(5);
    const directory = join(file, '..');
    writeFileSync(join(directory, '00000002.log'), '');
    writeFileSync(join(directory, '00000003.log'), Buffer.alloc(5_000, 0));
    writeFileSync(join(directory, '00000004.done'), 'nothing');
    mkdirSync(join(base, 'spool', 'not ours'));
    writeFileSync(join(base, 'spool', 'notes.txt'), 'of somebody else');
    writeFileSync(join(base, 'spool', '01234567-89ab-7def-8123-456789abcdef-1'), 'no directory');
    const { phospho, double } = await next();
    await vi.waitFor(() => expect(double.stored.size).toBe(5), 10_000);
    await vi.waitFor(
      () =>
        expect(readdirSync(join(base, 'spool'))).toEqual([
          '01234567-89ab-7def-8123-456789abcdef-1',
          'not ours',
          'notes.txt',
        ]),
      10_000,
    );
    expect(phospho.stats().events.dropped).toEqual({ corrupt: 1 });
  });

  it('stays where something else was put beside it, and is not taken over time and again', async () => {
    const file = await leave(3);
    writeFileSync(join(file, '..', 'notes.txt'), 'of somebody else');
    const { double } = await next();
    await vi.waitFor(() => expect(double.flags).toHaveLength(1), 10_000);
    const [name = ''] = readdirSync(join(base, 'spool'));
    await vi.waitFor(() => expect(readdirSync(join(base, 'spool', name))).toEqual(['notes.txt']));
    await new Promise((resolve) => setImmediate(resolve));
    expect(readdirSync(join(base, 'spool'))).toEqual([name]);
  });

  it('that is valid by its checksum and no event is counted as corrupt', async () => {
    const { encodeRecord } = await import('../../src/delivery/spool/record.ts');
    const file = await leave(1);
    const texts = ['null', '{"task_id":7}', 'no json'];
    const bad = texts.flatMap((text, n) => [
      Buffer.from(encodeRecord('event', 2 + 2 * n, Date.now(), text, text.length)),
      Buffer.from(encodeRecord('flag', 3 + 2 * n, Date.now(), text, text.length)),
    ]);
    writeFileSync(file, Buffer.concat([readFileSync(file), ...bad]));
    const { phospho, double } = await next();
    await vi.waitFor(spoolIsEmpty, 10_000);
    expect([...double.stored.keys()]).toEqual(['t0']);
    expect(phospho.stats().events.dropped).toEqual({ corrupt: 3 });
    expect(phospho.stats().flags.dropped).toEqual({ corrupt: 3 });
  });
});

describe('a directory that will not do', () => {
  const cases: [string, RegExp, (dir: string) => void][] = [
    ['a symbolic link', /no symbolic link/, (dir) => symlinkSync(base, dir)],
    ['a file', /must be a directory/, (dir) => writeFileSync(dir, '')],
    [
      'writable by everybody',
      /chmod o-w/,
      (dir) => {
        mkdirSync(dir);
        chmodSync(dir, 0o777);
      },
    ],
  ];

  it.each(cases)(
    '(%s) is said once, and tasks are delivered from memory',
    async (_, says, make) => {
      make(join(base, 'spool'));
      const errors: string[] = [];
      const { phospho, double } = await next({ onError: (error) => errors.push(`${error}`) });
      const ids = logTasks(phospho, 50);
      phospho.flag('t3', 'failure');
      const ledger = await phospho.flush();
      expectBalanced(ledger);
      expect([...double.stored.keys()]).toEqual(ids);
      expect(double.flags).toHaveLength(1);
      expect(ledger.spool?.state).toBe('failing');
      expect(errors.filter((error) => says.test(error))).toHaveLength(1);
    },
  );
});

describe('processes that share a directory', () => {
  it('do not touch what another that lives has there, in one process or in two', async () => {
    const down = new PhosphoDouble();
    down.behave = () => ({ status: 503 });
    const spool = { dir: join(base, 'spool') };
    const first = phosphoFor({ baseUrl: await down.serve(), spool });
    logTasks(first, 10, 'first');
    await vi.waitFor(() => expect(first.stats().events.pending).toBe(0));
    const { phospho: second, double } = await next();
    logTasks(second, 10, 'second');
    expectBalanced(await second.flush());
    expect(double.stored.size).toBe(10);
    expect(second.stats().events.recovered).toBe(0);
    expect(readdirSync(spool.dir)).toHaveLength(2);
    const kept = await first.shutdown({ timeoutMs: 0 });
    expect(kept.events.spooled).toBe(10);
  });

  it('take over what a worker of a cluster that was killed has left, once', async () => {
    const down = new PhosphoDouble();
    let isUp = false;
    down.behave = () => (isUp ? 'ok' : { status: 503 });
    const baseUrl = await down.serve();
    const dir = join(base, 'spool');
    cluster.setupPrimary({
      exec: join(import.meta.dirname, 'cluster-worker.mjs'),
      execArgv: ['--import', 'tsx'],
      args: [JSON.stringify({ dir, baseUrl })],
    });
    const workers = Array.from({ length: 4 }, () => cluster.fork());
    const hasLogged = (worker: (typeof workers)[number]): Promise<void> =>
      new Promise((resolve) => worker.once('message', () => resolve()));
    try {
      await Promise.all(workers.map(hasLogged));
      expect(readdirSync(dir)).toHaveLength(4);
      const [victim, ...siblings] = workers;
      isUp = true;
      victim?.process.kill('SIGKILL');
      // Siblings look every ten seconds.
      await vi.waitFor(() => expect(down.stored.size).toBe(40), 30_000);
      const ended = siblings.map(
        (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
      );
      for (const worker of siblings) worker.send('end');
      await Promise.all(ended);
      expect(readdirSync(dir)).toEqual([]);
    } finally {
      for (const worker of workers) worker.process.kill('SIGKILL');
    }
  }, 60_000);
});
