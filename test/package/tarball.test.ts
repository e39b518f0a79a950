import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCollector } from 'phospho-express/collector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bin, CONSUMERS, install, pack, ROOT, run } from './helpers/consumers.ts';

/** What a TypeScript app has beside the package. */
const TYPES = ['@types/node@20', '@types/express@5', 'typescript@5.9'];

let app: string;
let tarball: string;
let env: NodeJS.ProcessEnv;
let collector: Awaited<ReturnType<typeof createCollector>>;

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'phospho-consumer-'));
  await writeFile(join(app, 'package.json'), '{"name":"consumer","private":true}');
  tarball = await pack(app);
  await cp(CONSUMERS, app, { recursive: true });
  await install(app, [`./${tarball}`, ...TYPES]);
  collector = await createCollector({ database: 'sqlite::memory:', port: 0, project: 'consumers' });
  await collector.listen();
  env = {
    PATH: process.env.PATH,
    PHOSPHO_API_KEY: collector.apiKey,
    PHOSPHO_PROJECT_ID: 'consumers',
    PHOSPHO_BASE_URL: collector.baseUrl,
  };
}, 180_000);

afterAll(async () => {
  await collector?.close();
  await rm(app, { recursive: true, force: true });
});

// Compilers and package managers of their own processes, on a machine that tests on all processors.
describe('the packed tarball', { timeout: 120_000 }, () => {
  it.each(['consumer.mjs', 'consumer.cjs'])('works for %s', async (file) => {
    const { stdout } = await run(process.execPath, [file], { cwd: app, env });
    expect(stdout.trim()).toBe('ok');
  });

  it.each([
    ['ESM with standard decorators, and in CommonJS', ['consumer.mts', 'consumer.cts']],
    ['ESM with legacy decorators', ['--experimentalDecorators', 'consumer.mts']],
  ])('has types that hold in %s', async (_kind, args) => {
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
    const output = ['--noEmit', '--module', 'nodenext', '--target', 'es2022'];
    await run(bin(app, 'tsc'), [...strict, ...output, ...args], { cwd: app });
  });

  it.each([
    ['publint', ['run', '--strict']],
    ['attw', ['--profile', 'node16', '--quiet']],
  ])('is found clean by %s', async (tool, args) => {
    // Both exit with an error where they find one, and run() rejects then.
    await run(bin(ROOT, tool), [...args, join(app, tarball)], { cwd: ROOT });
  });

  it('runs the command', async () => {
    const { stdout } = await run('npx', ['--no-install', 'phospho-express', '--version'], {
      cwd: app,
      env: { PATH: process.env.PATH },
    });
    expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('installs at most 8 packages and 6 MB without the express peer', async () => {
    const bare = await mkdtemp(join(tmpdir(), 'phospho-bare-'));
    try {
      await writeFile(join(bare, 'package.json'), '{"name":"bare","private":true}');
      await install(bare, [join(app, tarball)], '--omit=peer');
      const lock = JSON.parse(
        await readFile(join(bare, 'node_modules/.package-lock.json'), 'utf8'),
      );
      expect(Object.keys(lock.packages).length).toBeLessThanOrEqual(8);
      const { stdout: size } = await run('du', ['-sk', 'node_modules'], { cwd: bare });
      expect(Number.parseInt(size, 10)).toBeLessThanOrEqual(6 * 1024);
    } finally {
      await rm(bare, { recursive: true, force: true });
    }
  });
});
