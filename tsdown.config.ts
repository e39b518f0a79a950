import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { transform } from 'esbuild';
import { defineConfig, type UserConfig } from 'tsdown';
import { browserAssets } from './assets.config.ts';

/** Who reads the code in node_modules has its documentation in the types; the sources are a link away. */
const withoutOwnComments = { comments: false } as const;

/** Development dependencies that the build inlines: they cost a user of the package nothing. */
const bundled = [
  ...['commander', 'eventsource-parser', 'helmet', 'kysely', 'pbf', 'zod'],
  // The progress bar, and what it measures its texts with.
  ...['cli-progress', 'string-width', 'emoji-regex', 'is-fullwidth-code-point'],
  ...['strip-ansi', 'ansi-regex'],
];

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

/**
 * What is bundled goes without its comments, a tenth of the package: its notices are in the file above. The
 * whitespace comes back when Rolldown prints.
 */
const withoutComments = {
  name: 'bundled-without-comments',
  transform: {
    filter: { id: /\/node_modules\/.*\.[cm]?js$/ },
    handler: async (code: string) => {
      const options = {
        minifyWhitespace: true,
        minifySyntax: true,
        // Of what is within functions: the names that a stack trace shows stay.
        minifyIdentifiers: true,
        legalComments: 'none',
        target: 'esnext',
      } as const;
      return { code: (await transform(code, options)).code };
    },
  },
};

/** Printed as Rolldown does, the package would be a seventh larger. Lines stay short, so that a stack trace tells where. */
const withoutSpaces = {
  name: 'without-spaces',
  async generateBundle(
    _options: unknown,
    chunks: Record<string, { type: string; fileName: string; code?: string }>,
  ) {
    for (const chunk of Object.values(chunks)) {
      if (!/\.[cm]js$/.test(chunk.fileName) || chunk.code === undefined) continue;
      chunk.code = (
        await transform(chunk.code, { minifyWhitespace: true, lineLimit: 160, target: 'esnext' })
      ).code;
    }
  },
};

const shared = {
  platform: 'node',
  target: 'node20.19',
  dts: true,
  fixedExtension: true,
  clean: false,
  report: false,
  plugins: [browserAssets(), withoutComments, withoutSpaces],
  logLevel: 'error',
} satisfies UserConfig;

const library: Record<string, string> = {
  index: 'src/index.ts',
  'client/index': 'src/client/index.ts',
  testing: 'src/testing.ts',
};

/** Half of the package, so there is one copy of it. Of CJS, which ESM can import everywhere; Jest cannot require ESM. */
const programs: Record<string, string> = {
  'collector/index': 'src/collector/index.ts',
  'cli/main': 'src/cli/main.ts',
};

/** What ESM imports of the collector. */
function writeCollectorForEsm(): void {
  const folder = new URL('dist/collector/', import.meta.url);
  for (const file of ['index.mjs', 'index.d.mts']) {
    writeFileSync(new URL(file, folder), "export * from './index.cjs';\n");
  }
}

/**
 * ESM and CJS are two builds, since p-queue is ESM-only: a CJS file that leaves it external sees
 * `p_queue.default` on an already-wrapped namespace and throws "not a constructor". There it is inlined.
 */
export default defineConfig([
  {
    ...shared,
    entry: library,
    format: 'esm',
    outputOptions: withoutOwnComments,
    deps: { onlyBundle: bundled },
  },
  {
    ...shared,
    entry: { ...library, ...programs },
    format: 'cjs',
    onSuccess: () => {
      writeNotices();
      writeCollectorForEsm();
    },
    // Strict, as modules are: else a wrapped function that is called without a `this` is given globalThis. By
    // require(): where modules run in a vm context, as in Jest, import() is an error.
    outputOptions: { ...withoutOwnComments, strict: true, dynamicImportInCjs: false },
    deps: {
      alwaysBundle: ['p-queue'],
      onlyBundle: [...bundled, ...bundledInCjs],
    },
  },
  {
    ...shared,
    entry: { 'widget/index': 'src/widget/index.ts' },
    format: ['esm', 'cjs'],
    outputOptions: { ...withoutOwnComments, strict: true },
    platform: 'browser',
    target: 'es2022',
    tsconfig: 'src/widget/tsconfig.json',
  },
]);
