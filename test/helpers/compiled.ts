import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

// Below node_modules, so that it finds what it imports.
const folder = `${root}node_modules/.cache/phospho-express-${process.pid}`;

afterAll(() => rm(folder, { recursive: true, force: true }));

/** CommonJS among what is inlined requires Node's modules. */
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

/**
 * A module of the source with all that it imports in one file of JavaScript, which is there until the test file
 * ends: a process that compiles it anew, or looks for its packages, takes seconds to start on a busy machine.
 * What pages load is not in it.
 *
 * @param module below the repository, e.g. `src/index.ts`
 * @returns the file's path
 */
export async function compiled(module: string): Promise<string> {
  const outfile = `${folder}/${basename(dirname(module))}-${basename(module, '.ts')}.mjs`;
  await build({
    entryPoints: [`${root}${module}`],
    outfile,
    bundle: true,
    // One is native code, and tests look whether the other is loaded.
    external: ['libsql', 'undici', 'virtual:*'],
    banner: { js: REQUIRE },
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  });
  return outfile;
}
