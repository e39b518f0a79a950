import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { compiled } from './compiled.ts';
import { SECRET } from './ledger.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const entry = await compiled('src/index.ts');

const children = new Set<ChildProcess>();

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** From the word `done` in its output to the end, milliseconds; NaN if it never came. */
  afterMs: number;
  /** All that it printed, on both streams. */
  out: string;
}

export interface Script {
  child: ChildProcess;
  /** Resolves once the script has printed it. */
  said: (text: string) => Promise<void>;
  /** What it has printed so far. */
  output: () => string;
  ended: Promise<Ended>;
}

/** Runs an ES module that has `Phospho` and `express` already, with a key for the server at `baseUrl`. */
export async function startScript(code: string, baseUrl: string): Promise<Script> {
  const source = `
    import express from 'express';
    import { Phospho } from ${JSON.stringify(entry)};
    ${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: root,
    env: {
      ...process.env,
      PHOSPHO_API_KEY: 'key',
      PHOSPHO_PROJECT_ID: 'p',
      PHOSPHO_BASE_URL: baseUrl,
      PHOSPHO_FEEDBACK_SECRET: SECRET,
    },
  });
  children.add(child);
  let out = '';
  let doneAt = Number.NaN;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      out += chunk;
      if (out.includes('done')) doneAt ||= performance.now();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    afterMs: performance.now() - doneAt,
    out,
  }));
  return {
    child,
    ended,
    output: () => out,
    said: async (text) => {
      const gone = ended.then(() => {
        if (!out.includes(text)) throw new Error(`it ended without saying "${text}": ${out}`);
      });
      gone.catch(() => {});
      while (!out.includes(text)) {
        await Promise.race([gone, once(child.stdout, 'data'), once(child.stderr, 'data')]);
      }
    },
  };
}
