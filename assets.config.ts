import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { rolldown } from 'rolldown';

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
    const body = await smallest('src/widget/served.ts');
    const size = gzipSync(body).length;
    if (size > WIDGET_LIMIT_BYTES) {
      throw new Error(`widget.js has ${size} bytes gzipped, and may have ${WIDGET_LIMIT_BYTES}`);
    }
    return { 'widget.js': asset('text/javascript', body) };
  },
  'virtual:phospho-dashboard': async () => {
    const assets = await bundle({ 'app.js': 'src/collector/dashboard/app/main.tsx' });
    return Object.fromEntries(
      Object.entries(assets).map(([name, { body, ...asset }]) => [
        name,
        // As browsers take it, and half the size in the package.
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
      asset(path.endsWith('.css') ? 'text/css' : 'text/javascript', text),
    ]),
  );
}

function asset(type: string, body: string): Asset {
  return { hash: createHash('sha256').update(body).digest('base64url').slice(0, 10), type, body };
}

/** One file without dependencies, by the bundler whose output is 2 % smaller; without line ends between CSS rules. */
async function smallest(path: string): Promise<string> {
  const bundle = await rolldown({
    input: `${ROOT}${path}`,
    platform: 'browser',
    transform: { target: 'es2022' },
    plugins: [
      {
        name: 'one-line-css',
        transform: (code, id) => (id.endsWith('styles.ts') ? code.replaceAll('}\n', '}') : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return output[0].code;
}

const ROOT = fileURLToPath(new URL('.', import.meta.url));

const COMMON = {
  absWorkingDir: ROOT,
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
