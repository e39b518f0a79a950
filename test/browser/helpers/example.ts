import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs an example as its README line says, on a free port. It ends with the test. */
export async function startExample(name: string): Promise<{ url: string; dashboardUrl: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}/app.ts`], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const found: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const [url] = /http:\S+/.exec(line) ?? [];
    if (url) found.push(url);
    const [app, dashboardUrl] = found;
    if (app && dashboardUrl) return { url: app, dashboardUrl };
  }
  throw new Error(`examples/${name} ended before it listened`);
}
