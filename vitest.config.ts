import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { browserAssets } from './assets.config.ts';

const src = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

/** Most suites read the source; `test/package` packs the tarball and uses that. */
export default defineConfig({
  plugins: [browserAssets()],
  resolve: {
    alias: [
      { find: /^phospho-express$/, replacement: src('index.ts') },
      { find: /^phospho-express\/(client|collector|widget)$/, replacement: src('$1/index.ts') },
      { find: /^phospho-express\/testing$/, replacement: src('testing.ts') },
    ],
  },
  // Without a target below esnext, standard decorators would reach Node unlowered.
  esbuild: { target: 'es2022' },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    env: { PHOSPHO_API_KEY: '', PHOSPHO_PROJECT_ID: '', PHOSPHO_BASE_URL: '' },
  },
});
