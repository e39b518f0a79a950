import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'phospho-express/client';
import { createCollector } from 'phospho-express/collector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bin, CONSUMERS, install, pack, run } from './helpers/consumers.ts';

/** Nest 11 is the last one whose tests run in Jest on Node 20; its successor is an ES module. */
const NEXT = ['common', 'core', 'platform-express', 'swagger', 'testing'].map(
  (name) => `@nestjs/${name}@12`,
);

const children = new Set<ChildProcess>();

let app: string;
let env: NodeJS.ProcessEnv;
let collector: Awaited<ReturnType<typeof createCollector>>;

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'phospho-nest-'));
  await cp(join(CONSUMERS, 'nest'), app, { recursive: true });
  await cp(join(CONSUMERS, 'jest'), join(app, 'jest'), { recursive: true });
  // With a configuration of its own, and what is installed for Nest.
  await writeFile(join(app, 'jest/package.json'), '{"name":"tested","private":true}');
  await install(app, [`./${await pack(app)}`], '--ignore-scripts');
  collector = await createCollector({ database: 'sqlite::memory:', port: 0, project: 'consumers' });
  await collector.listen();
  env = {
    PATH: process.env.PATH,
    PHOSPHO_API_KEY: collector.apiKey,
    PHOSPHO_PROJECT_ID: 'consumers',
    PHOSPHO_BASE_URL: collector.baseUrl,
  };
}, 240_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await collector?.close();
  await rm(app, { recursive: true, force: true });
});

/** Runs Jest; rejects where a test fails, where Jest says so by its exit code, and where it does not end. */
async function jest(cwd: string, ...options: string[]): Promise<string> {
  const { stdout, stderr } = await run(
    bin(app, 'jest'),
    ['--ci', '--detectOpenHandles', ...options],
    { cwd, env, timeout: 150_000 },
  );
  return stdout + stderr;
}

const LEFT_OPEN = /open handle|did not exit|torn down|after tests are done/i;

it('leaves nothing open in Jest, with and without a shutdown(), and delivers what it should', async () => {
  const output = await jest(join(app, 'jest'), '--testMatch', '**/*.test.cjs');
  expect(output).toContain('3 passed, 3 total');
  expect(output).not.toMatch(LEFT_OPEN);
}, 180_000);

describe('an app of NestJS', () => {
  it('has types that hold, and is built', async () => {
    await run(bin(app, 'tsc'), [], { cwd: app });
  }, 120_000);

  it('passes its own tests in ts-jest, which end by themselves', async () => {
    const output = await jest(app);
    expect(output).toMatch(/^Tests: +\d{2,} passed, \d+ total$/m);
    expect(output).not.toMatch(LEFT_OPEN);
  }, 180_000);

  it.each([
    ['Nest 11', []],
    ['Nest 12', NEXT],
  ])(
    'runs with %s, and has delivered all when SIGTERM has ended it',
    async (_version, packages) => {
      if (packages.length > 0) await install(app, packages, '--ignore-scripts');
      const session = randomUUID();
      const child = spawn(process.execPath, ['dist/src/main.js'], {
        cwd: app,
        env: { ...env, PORT: '0' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.add(child);
      const ended = once(child, 'exit');
      const port = await portOf(child);
      const ask = (role: string) =>
        fetch(`http://localhost:${port}/chat/of/7`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-role': role },
          body: JSON.stringify({
            session_id: session,
            messages: [{ role: 'user', content: role }],
          }),
        });
      expect((await ask('thief')).status).toBe(403);
      const answer = await ask('customer');
      const content = 'You said: customer (page about customer) in shop 7';
      expect(await answer.json()).toEqual({ content });
      child.kill('SIGTERM');
      expect(await ended).toEqual([null, 'SIGTERM']);

      const { apiKey, baseUrl } = collector;
      const client = new Client({ apiKey, baseUrl, projectId: 'consumers' });
      const tasks = (await client.tasks.list()).filter(
        ({ content: task }) => task.session_id === session,
      );
      expect(tasks).toHaveLength(2);
      const task = await client.tasks.get(String(answer.headers.get('x-phospho-task-id')));
      expect(task.content).toMatchObject({
        input: 'customer',
        output: content,
        metadata: {
          route: '/chat/of/:shop',
          outcome: 'complete',
          steps: [
            {
              name: 'ChatController.chatOf',
              steps: [{ name: 'ChatService.find' }, { name: 'ChatService.answer' }],
            },
          ],
        },
      });
    },
    180_000,
  );
});

/** The port in the address that it prints once it listens. */
function portOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.once('exit', () => reject(new Error(`it ended without listening: ${printed}`)));
    child.stdout?.on('data', (part) => {
      printed += part;
      const [, port] = /^http:.*:(\d+)$/m.exec(printed) ?? [];
      if (port !== undefined) resolve(port);
    });
  });
}
