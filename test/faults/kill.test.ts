import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { SpoolSync } from 'phospho-express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectBalanced, phosphoFor } from '../helpers/ledger.ts';
import { type Behaviour, PhosphoDouble } from '../helpers/phospho-double.ts';
import { scaled } from './helpers/scale.ts';
import { TIMEOUT_MS } from './runs.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

let temporary: string;
let bundle: string;

/** One file to load: a child is at work within a fraction of a second. */
beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'phospho-kill-'));
  bundle = join(temporary, 'phospho.cjs');
  await build({
    entryPoints: [path('../../src/index.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'silent',
    external: ['virtual:*'],
  });
});

afterAll(() => {
  rmSync(temporary, { recursive: true, force: true });
});

type Ending = 'SIGKILL' | 'SIGTERM' | 'exit' | 'throw' | 'reject' | 'exit in shutdown';

interface Said {
  logged: string[];
  accepted: string[];
  flagged: string[];
}

/** Runs a child to its end. A signal comes after a number of lines, and a moment, drawn by lot. */
function runChild(
  settings: { dir: string; baseUrl: string; name: string; sync: SpoolSync },
  ending: Ending,
): Promise<Said> {
  const signal = ending === 'SIGKILL' || ending === 'SIGTERM' ? ending : undefined;
  const tasks = Math.floor(Math.random() * 150);
  const argument = { ...settings, bundle, tasks, ending: signal ? 'signal' : ending };
  const child = spawn(process.execPath, [path('child.mjs'), JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  let isToldToEnd = false;
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  child.stdout.on('data', (chunk) => {
    out += chunk;
    if (signal === undefined || isToldToEnd || out.length < tasks * 40) return;
    isToldToEnd = true;
    setTimeout(() => child.kill(signal), Math.random() * 4);
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, killedBy) => {
      const expected = { SIGKILL: null, SIGTERM: null, exit: 0, 'exit in shutdown': 0 }[
        ending as string
      ];
      if (code !== (expected === undefined ? 1 : expected) || killedBy !== (signal ?? null)) {
        reject(new Error(`ended with ${code ?? killedBy} instead of by ${ending}: ${errors}`));
        return;
      }
      const lines = out.split('\n').slice(0, -1);
      const idsOf = (what: string): string[] =>
        lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.split(' ')[1] ?? '');
      resolve({
        logged: idsOf('logged'),
        accepted: idsOf('accepted'),
        flagged: idsOf('flagged'),
      });
    });
  });
}

type Weather = 'up' | 'down' | 'flaky';

function behaviourIn(weather: Weather): Behaviour {
  if (weather === 'up') return 'ok';
  if (weather === 'down') return Math.random() < 0.5 ? 'reset' : { status: 503 };
  const all: Behaviour[] = ['ok', 'ok', 'stored, then reset', 'reset', { status: 500 }, 'hang'];
  return all[Math.floor(Math.random() * all.length)] ?? 'ok';
}

const WEATHERS: readonly Weather[] = ['up', 'down', 'flaky'];
const SYNCS: readonly SpoolSync[] = ['never', 'interval', 'always'];

/** Children that share a directory, and an end for each; then one process finds what they left. */
async function runGroup(group: number, endings: readonly Ending[]): Promise<void> {
  const weather = WEATHERS[group % 3] ?? 'up';
  const double = new PhosphoDouble();
  double.behave = () => behaviourIn(weather);
  const baseUrl = await double.serve();
  const dir = join(temporary, `spool-${group}`);
  const sync = SYNCS[Math.floor(Math.random() * 3)] ?? 'interval';
  const children = await Promise.all(
    endings.map(async (ending, index) => {
      const name = `${group}.${index}`;
      return { ending, ...(await runChild({ dir, baseUrl, name, sync }, ending)) };
    }),
  );
  double.behave = () => 'ok';
  const phospho = phosphoFor({ baseUrl, spool: { dir, sync } });
  const left = (): string[] => (existsSync(dir) ? readdirSync(dir) : []);
  await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 20_000, interval: 20 });
  const ledger = await phospho.shutdown();
  expectBalanced(ledger);
  expect(ledger.events.delivered + (ledger.events.dropped.corrupt ?? 0)).toBe(
    ledger.events.recovered,
  );
  expect(left()).toEqual([]);

  const flagged = new Set(double.flags.map(({ taskId }) => taskId));
  for (const { ending, logged, accepted, flagged: given } of children) {
    const isSignal = ending === 'SIGKILL' || ending === 'SIGTERM';
    // Whatever ends in JavaScript has a last moment, in which what is pending is written, too.
    const promised = isSignal ? accepted : [...logged, ...accepted];
    expect({ ending, lost: promised.filter((id) => !double.stored.has(id)) }).toEqual({
      ending,
      lost: [],
    });
    expect({ ending, lost: given.filter((id) => !flagged.has(id)) }).toEqual({ ending, lost: [] });
  }
}

/** Groups of children of the same kind of end. */
async function runAll(count: number, endings: readonly Ending[]): Promise<void> {
  const size = 5;
  for (let start = 0; start < count; start += size) {
    const all = Array.from(
      { length: Math.min(size, count - start) },
      (_, index) => endings[(start + index) % endings.length] ?? 'SIGKILL',
    );
    await runGroup(groups++, all);
  }
}

let groups = 0;

describe('every accepted task and flag is stored after a restart, if the process', () => {
  it('is killed at any moment', () => runAll(scaled(10, 200), ['SIGKILL']), TIMEOUT_MS);

  it(
    'calls process.exit, and so are those that were not yet accepted',
    () => runAll(scaled(5, 50), ['exit']),
    TIMEOUT_MS,
  );

  it(
    'dies of an error, an unhandled rejection, SIGTERM, or process.exit during shutdown',
    () =>
      runAll(scaled(5, 60), ['throw', 'reject', 'SIGTERM', 'exit in shutdown', 'exit', 'SIGKILL']),
    TIMEOUT_MS,
  );
});
