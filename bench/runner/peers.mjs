import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../peers/', import.meta.url);

/** Each is an adapter, `bench/peers/NAME.mjs`. */
export const PEERS = ['otel', 'posthog', 'langfuse'];

/** Installs the pinned versions of bench/peers/package.json into that folder, unless they are there. */
export function installPeers() {
  const { dependencies } = readJson('package.json');
  const isThere = ([name, version]) => {
    try {
      return readJson(`node_modules/${name}/package.json`).version === version;
    } catch {
      return false;
    }
  };
  if (Object.entries(dependencies).every(isThere)) return;
  process.stderr.write('installing peers into bench/peers/node_modules…\n');
  const options = ['--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  // npm's own output must not get into our stdout.
  execFileSync('npm', ['install', ...options], {
    cwd: fileURLToPath(FOLDER),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, FOLDER), 'utf8'));
}
