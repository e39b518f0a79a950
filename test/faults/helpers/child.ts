import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Finishing } from './ill-server.ts';

/** A script of `children/`, which answers by one line of JSON on its standard output. */
export interface Child<T> {
  /** Resolves once it has said something on its standard error, or has ended. */
  ready: Promise<unknown>;
  /** Writes a line to its standard input. */
  say(line: string): void;
  /** Resolves to what it answered once it has ended by itself; rejects with what it said if it failed. */
  answer: Promise<T>;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

export function startChild<T>(
  { onTestFinished }: Finishing,
  name: string,
  env: Record<string, string>,
): Child<T> {
  const script = fileURLToPath(new URL(`../children/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', '--expose-gc', script], {
    cwd: root,
    env: { ...process.env, PHOSPHO_API_KEY: 'key', PHOSPHO_PROJECT_ID: 'p', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const answer = new Promise<T>((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as T);
      else reject(new Error(`${name} ended with ${code}:\n${err}\n${out}`));
    });
  });
  const ready = Promise.race([once(child.stderr, 'data'), once(child, 'close')]);
  return { ready, say: (line) => void child.stdin.write(`${line}\n`), answer };
}
