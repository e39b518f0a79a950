import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { compiled } from './compiled.ts';

const MAIN = await compiled('src/cli/main.ts');
const READY = /export PHOSPHO_PROJECT_ID=/;

/** The command in a process of its own, killed when the test ends. */
export class Run {
  out = '';
  err = '';
  readonly child: ChildProcess;
  readonly done: Promise<number | null>;

  constructor(args: string[], environment: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...environment },
    });
    this.child.stdout?.on('data', (chunk) => {
      this.out += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.err += chunk;
    });
    this.done = once(this.child, 'close').then(([code]) => code as number | null);
    onTestFinished(() => {
      this.child.kill('SIGKILL');
    });
  }

  async ready(): Promise<this> {
    while (!READY.test(this.out)) {
      const more = once(this.child.stdout ?? this.child, 'data').then(() => true);
      if (!(await Promise.race([more, this.done.then(() => false)])))
        throw new Error(`ended early: ${this.out}${this.err}`);
    }
    return this;
  }

  exported(name: string): string {
    return new RegExp(`export ${name}=(.*)`).exec(this.out)?.[1] ?? '';
  }
}
