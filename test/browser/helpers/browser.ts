/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axeCore from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A browser under test asks nobody but the test. */
const OFF_THE_NETWORK = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

interface Executable {
  path: string;
  args: string[];
  env: { [name: string]: string };
}

/**
 * A Chromium: the one that `PHOSPHO_TEST_BROWSER` names, an installed one, else the packed one of
 * `@sparticuz/chromium` (Linux on x64). Undefined, and said aloud, where there is none; on CI that is an error.
 */
export async function openBrowser(): Promise<Browser | undefined> {
  try {
    const { path, args, env } = await findExecutable();
    return await chromium.launch({
      executablePath: path,
      args: [...args, ...OFF_THE_NETWORK],
      env: { ...process.env, ...env } as { [name: string]: string },
    });
  } catch (error) {
    if (process.env.CI) throw error;
    console.warn(`browser tests skipped: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

async function findExecutable(): Promise<Executable> {
  const installed = process.env.PHOSPHO_TEST_BROWSER || INSTALLED.find((path) => existsSync(path));
  if (installed) {
    const isRoot = process.getuid?.() === 0;
    return { path: installed, args: isRoot ? ['--no-sandbox'] : [], env: {} };
  }
  if (process.platform === 'linux' && process.arch === 'x64') return await unpack();
  throw new Error('no Chromium found; set PHOSPHO_TEST_BROWSER to the path of one');
}

/**
 * Test files run side by side, and the package takes a file that another process is still writing for
 * complete. So each unpacks into a directory of its own, and the first to rename it has made it for all.
 */
async function unpack(): Promise<Executable> {
  const { default: packed } = await import('@sparticuz/chromium');
  packed.setGraphicsMode = false;
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const { version } = JSON.parse(await readFile(join(entry, '../../../package.json'), 'utf8'));
  const directory = join(tmpdir(), `phospho-express-chromium-${version}`);
  if (!existsSync(directory)) {
    const own = await mkdtemp(`${directory}-`);
    const { TMPDIR } = process.env;
    process.env.TMPDIR = own;
    try {
      await packed.executablePath();
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
    await rename(own, directory).catch(() => rm(own, { recursive: true, force: true }));
  }
  return {
    path: join(directory, 'chromium'),
    // None of the package's own: they make another browser than users have, and start each page anew.
    args: ['--font-render-hinting=none'],
    // A bare container has no fonts of its own.
    env: existsSync('/etc/fonts') ? {} : { FONTCONFIG_PATH: join(directory, 'fonts') },
  };
}

const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds wrong, one readable line a place; `include` is a CSS selector, by default all of the page. */
export async function axe(
  page: Page,
  options: { include?: string; disable?: readonly string[] } = {},
): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeCore.source);
  return await page.evaluate(
    async ({ include, disable, tags }) => {
      const { axe } = globalThis as unknown as { axe: typeof axeCore };
      const { violations } = await axe.run(include ?? document, {
        runOnly: tags,
        resultTypes: ['violations'],
        preload: false,
        rules: Object.fromEntries(disable.map((id) => [id, { enabled: false }])),
      });
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, any }) => {
          const why = any.map(({ message }) => message).join('; ');
          return `${id}: ${help} (${target.flat().join(' ')}) ${why}`;
        }),
      );
    },
    { include: options.include, disable: options.disable ?? [], tags: AXE_TAGS },
  );
}

/** Once as users of a light and once as users of a dark scheme see it. */
export async function underColorSchemes(
  page: Page,
  look: (scheme: 'light' | 'dark') => Promise<void>,
): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await look(colorScheme);
  }
}
