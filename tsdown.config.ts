import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { defineConfig, type UserConfig } from 'tsdown';
import { browserAssets } from './assets.config.ts';

/** Development dependencies that the build inlines: they cost a user of the package nothing. */
const bundled = ['commander', 'eventsource-parser', 'helmet', 'kysely', 'zod'];

/** What the dashboard's pages hold. */
const bundledInPages = ['dompurify', 'marked', 'preact', 'preact-iso', 'uplot'];

const bundledInCjs = ['p-queue', 'p-timeout', 'eventemitter3'];

/** Their licences ask that their notices travel with the copies. */
function writeNotices(): void {
  const notices = [...bundled, ...bundledInCjs, ...bundledInPages].map((name) => {
    const folder = new URL(`node_modules/${name}/`, import.meta.url);
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} is bundled and has no licence file`);
    return `${name}\n\n${readFileSync(new URL(file, folder), 'utf8').trim()}\n`;
  });
  writeFileSync(new URL('dist/THIRD_PARTY_LICENSES.txt', import.meta.url), notices.join('\n\n'));
}

const shared = {
  platform: 'node',
  target: 'node20.19',
  dts: true,
  fixedExtension: true,
  clean: false,
  report: false,
  plugins: [browserAssets()],
  logLevel: 'error',
} satisfies UserConfig;

const library: Record<string, string> = {
  index: 'src/index.ts',
  'client/index': 'src/client/index.ts',
  'collector/index': 'src/collector/index.ts',
  testing: 'src/testing.ts',
};

/**
 * ESM and CJS are two builds, since p-queue is ESM-only: a CJS file that leaves it external sees
 * `p_queue.default` on an already-wrapped namespace and throws "not a constructor". There it is inlined.
 */
export default defineConfig([
  {
    ...shared,
    entry: { ...library, 'cli/main': 'src/cli/main.ts' },
    format: 'esm',
    deps: { onlyBundle: bundled },
  },
  {
    ...shared,
    entry: library,
    format: 'cjs',
    onSuccess: writeNotices,
    deps: {
      alwaysBundle: ['p-queue'],
      onlyBundle: [...bundled, ...bundledInCjs],
    },
  },
  {
    ...shared,
    entry: { 'widget/index': 'src/widget/index.ts' },
    format: ['esm', 'cjs'],
    platform: 'browser',
    target: 'es2022',
    tsconfig: 'src/widget/tsconfig.json',
  },
]);
