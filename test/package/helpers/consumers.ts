import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const CONSUMERS = fileURLToPath(new URL('../consumers/', import.meta.url));

/** What npx would run, without npm's second to find it. */
export const bin = (folder: string, name: string): string =>
  join(folder, 'node_modules/.bin', name);

/** Packs what `npm run build` has made; the tarball's name in that folder. */
export async function pack(folder: string): Promise<string> {
  const options = ['--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await run('npm', ['pack', ...options], { cwd: ROOT });
  return JSON.parse(stdout)[0].filename;
}

/** Installs packages, or what the folder's package.json names. */
export async function install(cwd: string, packages: string[], ...options: string[]) {
  await run('npm', ['install', '--no-audit', '--prefer-offline', ...options, ...packages], { cwd });
}
