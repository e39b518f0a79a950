import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atMost } from '../runner/figures.mjs';

const cwd = fileURLToPath(new URL('../..', import.meta.url));

/** What node is started with: without the package, and with it. */
const STARTS = {
  ESM: [
    ['--input-type=module', '-e', '0'],
    ['--input-type=module', '-e', 'import "phospho-express"'],
  ],
  CJS: [
    ['-e', '0'],
    ['-e', 'require("phospho-express")'],
  ],
};

export const importing = {
  name: 'import',
  measures: "what importing the package adds to a process' start",
  contenders: Object.keys(STARTS),
  rounds: 15,
  warmups: 1,
  figures: { added: { title: 'ms added', digits: 1, budget: atMost(20) } },
  reference: {
    title: 'Peers (research, 23 Nov 2026)',
    columns: ['', 'ms added'],
    rows: [
      ['Langfuse 3', '15'],
      ['phosphojs', '74'],
      ['PostHog', '98'],
      ['OpenTelemetry', '175'],
      ['Langfuse 5', '218'],
    ],
  },
  open: () => ({
    async run(kind) {
      const [bare, ours] = STARTS[kind];
      const base = await timed(bare);
      return { added: (await timed(ours)) - base };
    },
    close: () => {},
  }),
  compare: (sample) => sample,
};

async function timed(code) {
  const started = performance.now();
  const child = spawn(process.execPath, code, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`node ${code.join(' ')} ended with ${status}`);
  return performance.now() - started;
}
