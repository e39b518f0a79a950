import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Finishing } from './ill-server.ts';

/** Collectors over one database, in processes of their own, behind one address. */
export interface Fleet {
  /** What apps take as PHOSPHO_BASE_URL. */
  baseUrl: string;
  /** Kills one of them, as a machine does that fails, and starts another in its place. */
  replace(index: number): Promise<void>;
}

/** One file to load: a collector is at work within a fraction of a second. */
export async function bundleCollector(folder: string): Promise<string> {
  const outfile = `${folder}/collector.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL('../children/collector.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    external: ['virtual:*', 'libsql', 'pg-native', 'pg-cloudflare'],
    // What is CommonJS among the bundled asks for Node's modules by require().
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return outfile;
}

export async function startFleet(
  { onTestFinished }: Finishing,
  { bundle, size, env }: { bundle: string; size: number; env: Record<string, string> },
): Promise<Fleet> {
  const members: { child: ChildProcess; port: number }[] = [];
  const start = async (): Promise<{ child: ChildProcess; port: number }> => {
    const child = spawn(process.execPath, [bundle], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const said = await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    const port = Number(said[0]);
    if (!(port > 1)) throw new Error(`a collector did not start: ${errors}`);
    return { child, port };
  };
  onTestFinished(() => {
    for (const { child } of members) child.kill('SIGKILL');
  });
  for (const member of await Promise.all(Array.from({ length: size }, start))) members.push(member);

  let turn = 0;
  const open = new Set<Socket>();
  const balancer = createServer((client) => {
    const { port } = members[turn++ % members.length] ?? { port: 0 };
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  onTestFinished(() => {
    balancer.close();
    for (const socket of open) socket.destroy();
  });
  return {
    baseUrl: `http://127.0.0.1:${(balancer.address() as { port: number }).port}/v2`,
    replace: async (index) => {
      const member = members[index];
      if (member === undefined) return;
      const ended = once(member.child, 'close');
      member.child.kill('SIGKILL');
      await ended;
      members[index] = await start();
    },
  };
}
