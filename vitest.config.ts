import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { browserAssets } from './assets.config.ts';

const src = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

/** They bound what a clock says, so they run after all others, one at a time, on a machine that does nothing else. */
const TIMED = ['test/**/*.timed.test.ts', 'test/faults/**/*.test.ts'];

/** What every store must do alike. */
const CONTRACT = [
  'test/integration/collector{,-log,-flag,-auth,-admin,-scopes,-start-key,-fuzz,-limits,-hostile}.test.ts',
  'test/integration/otlp{,-conventions,-requests}.test.ts',
  'test/integration/dashboard-{api,overview,login}.test.ts',
  'test/integration/collector-removal.test.ts',
  'test/unit/collector/{stats,removal,retention}.test.ts',
];

/** They run side by side with the suite, which has run on SQLite: Node's own, or libsql where Node has none. */
const hasOwnSqlite = process.getBuiltinModule('node:sqlite') !== undefined;

/** What runs in the browser alone does not change with Node: CI tests it on one of them. */
const PAGES_ALONE = [
  'test/browser/{hostile,dashboard-axe,overview,costly-texts,markdown,widget,widget-*}.test.ts',
];
const left = process.env.TEST_PAGES === 'off' ? PAGES_ALONE : [];

/**
 * One a run: a test that is tried again meets the inputs that it failed on, and `FAST_CHECK_SEED` repeats a run.
 * fast-check prints it with what it finds.
 */
const seed = process.env.FAST_CHECK_SEED ?? `${Math.floor(Math.random() * 2 ** 31)}`;

const SEED = 'test/helpers/seed.ts';

/** The contract, on another store than the suite's. */
function storeProject(
  name: string,
  test: Partial<NonNullable<TestProjectInlineConfiguration['test']>>,
) {
  return {
    extends: true as const,
    test: {
      name,
      include: CONTRACT,
      env: { TEST_STORE: name },
      maxWorkers: '100%',
      sequence: { groupOrder: 0 },
      ...test,
    },
  };
}

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
    projects: [
      {
        extends: true,
        test: {
          name: 'suite',
          include: ['test/**/*.test.ts'],
          exclude: [...TIMED, ...left, 'test/postgres/**'],
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'timed', include: TIMED, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      ...(hasOwnSqlite
        ? [storeProject('libsql', { setupFiles: [SEED, 'test/helpers/without-node-sqlite.ts'] })]
        : []),
      storeProject('postgres', {
        globalSetup: 'test/helpers/postgres-setup.ts',
        include: [...CONTRACT, 'test/postgres/**/*.test.ts'],
      }),
      storeProject('partitioned', { globalSetup: 'test/helpers/postgres-setup.ts' }),
    ],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Tests that run side by side in one file are those that wait: for an outage's end, for a child.
    maxConcurrency: 20,
    // A machine that others use stands still at times, in whichever test is running: on CI a test may be
    // tried once more, and the report says which ("retry x1"). What fails for its inputs fails again.
    retry: process.env.CI ? 1 : 0,
    setupFiles: [SEED],
    env: {
      FAST_CHECK_SEED: seed,
      PHOSPHO_API_KEY: '',
      PHOSPHO_PROJECT_ID: '',
      PHOSPHO_BASE_URL: '',
    },
  },
});
