import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let known: { version: string | undefined } | undefined;

/**
 * The version in the app's own package.json: the nearest one above the script that was started, or, where
 * that is a tool from `node_modules` (a test runner, a process manager), above the working directory.
 * Undefined: there is none. Read once, when it is first needed.
 */
export function appVersion(): string | undefined {
  known ??= { version: versionAbove(startOfSearch(process.argv[1], process.cwd())) };
  return known.version;
}

/** Also for tests: where the search begins. */
export function startOfSearch(script: string | undefined, workingDirectory: string): string {
  if (script === undefined || /[\\/]node_modules[\\/]/.test(script)) return workingDirectory;
  return dirname(script);
}

export function versionAbove(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const found = versionIn(join(at, 'package.json'));
    if (found !== undefined) return found || undefined;
    if (dirname(at) === at) return undefined;
  }
}

/** Empty: there is a package here, and it has no version; undefined: there is none, so the search goes on. */
function versionIn(path: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const { name, version } = Object(manifest) as { name?: unknown; version?: unknown };
    if (typeof version === 'string') return version;
    // `{"type": "module"}` in a folder of build output is not the app.
    return typeof name === 'string' ? '' : undefined;
  } catch {
    return undefined;
  }
}
