import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';

/** What a page loads, as the module that serves it has it in hand: nothing is read from disk at run time. */
interface Asset {
  /** Changes with the content. */
  hash: string;
  type: string;
  body: string;
}

const WIDGET_LIMIT_BYTES = 4096;

const ENTRIES: Record<string, () => Promise<object>> = {
  'virtual:phospho-widget': async () => {
    const assets = await bundle({ 'widget.js': 'src/widget/served.ts' });
    const size = gzipSync(assets['widget.js']?.body ?? '').length;
    if (size > WIDGET_LIMIT_BYTES) {
      throw new Error(`widget.js has ${size} bytes gzipped, and may have ${WIDGET_LIMIT_BYTES}`);
    }
    return assets;
  },
  'virtual:phospho-dashboard': async () => {
    const assets = await bundle({ 'app.js': 'src/collector/dashboard/app/main.tsx' });
    return Object.fromEntries(
      Object.entries(assets).map(([name, { body, ...asset }]) => [
        name,
        // As browsers take it, and half the size in the package, which holds it for ESM and for CJS.
        { ...asset, zipped: gzipSync(body, { level: 9 }).toString('base64') },
      ]),
    );
  },
};

/**
 * Browser code as text inside the modules that serve it, so that a server that is bundled itself still has
 * it. A plugin for Rolldown (the build) and Vite (the tests) alike.
 */
export function browserAssets(): {
  name: string;
  resolveId(id: string): string | undefined;
  load(id: string): Promise<string> | undefined;
} {
  return {
    name: 'browser-assets',
    resolveId: (id) => (id in ENTRIES ? `\0${id}` : undefined),
    load: (id) =>
      ENTRIES[id.slice(1)]?.().then((assets) => `export default ${JSON.stringify(assets)};`),
  };
}

async function bundle(entries: Record<string, string>): Promise<Record<string, Asset>> {
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints: Object.entries(entries).map(([name, path]) => ({
      out: name.replace(/\.js$/, ''),
      in: path,
    })),
  });
  return Object.fromEntries(
    outputFiles.map(({ path, text }) => [
      path.slice(path.lastIndexOf('/') + 1),
      {
        hash: createHash('sha256').update(text).digest('base64url').slice(0, 10),
        type: path.endsWith('.css') ? 'text/css' : 'text/javascript',
        body: text,
      },
    ]),
  );
}

const COMMON = {
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  write: false,
  outdir: 'served',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'error',
} as const satisfies BuildOptions;
