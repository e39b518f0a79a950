// npm run bench -- [fn] [http] [sse] [import] [dashboard] [ingest]: what phospho-express costs, as ratios within one run.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SUITES = ['fn', 'http', 'sse', 'import', 'dashboard', 'ingest'];
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`no suite "${unknown[0]}"; there are: ${SUITES.join(', ')}`);
  process.exit(2);
}
for (const suite of chosen.length > 0 ? chosen : SUITES) {
  // A process each: a suite must not run on another one's warm code or memory.
  const child = fork(fileURLToPath(new URL(`${suite}.mjs`, import.meta.url)));
  const [code] = await new Promise((resolve) => child.once('exit', (...ended) => resolve(ended)));
  if (code !== 0) process.exit(1);
}
