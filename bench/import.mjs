// What importing the package adds to a process' start, over a bare `node`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { show, summary } from './measure.mjs';

const ROUNDS = 15;
const cwd = fileURLToPath(new URL('..', import.meta.url));

function start(code) {
  const started = performance.now();
  execFileSync(process.execPath, code, { cwd });
  return performance.now() - started;
}

for (const [name, bare, ours] of [
  [
    'ESM',
    ['--input-type=module', '-e', '0'],
    ['--input-type=module', '-e', 'import "phospho-express"'],
  ],
  ['CJS', ['-e', '0'], ['-e', 'require("phospho-express")']],
]) {
  const added = [];
  for (let round = 0; round < ROUNDS; round++) {
    const base = start(bare);
    added.push(start(ours) - base);
  }
  console.log(`import ${name}: ms added ${show(summary(added), 1)}, ${ROUNDS} rounds`);
}
