import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { Phospho } from 'phospho-express';
import { createCollector } from 'phospho-express/collector';

export interface Example {
  /** The app as you would write it. */
  createApp(phospho: Phospho): Express | Promise<Express>;
  /** Uses the app over HTTP as its page does; throws where something is not as it should be. */
  check(url: string, phospho: Phospho): Promise<object>;
}

/**
 * What an example needs to run without an account, and what you need not copy: a collector in memory, a port
 * (`PORT`, by default 3000), and `--check`, which uses the app, prints what it found and exits.
 */
export async function runExample({ createApp, check }: Example): Promise<void> {
  const isCheck = process.argv.includes('--check');
  const apiKey = `demo_${randomBytes(32).toString('base64url')}`;
  const collector = await createCollector({
    port: 0,
    database: 'sqlite::memory:',
    project: 'demo',
    apiKey,
  });
  await collector.listen();
  const phospho = new Phospho({ apiKey, projectId: 'demo', baseUrl: collector.baseUrl });
  const server = createServer(await createApp(phospho));
  server.listen(isCheck ? 0 : Number(process.env.PORT ?? 3000), '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const close = async (): Promise<void> => {
    await phospho.gracefulShutdown(server);
    await collector.close();
  };
  if (!isCheck) {
    console.log(
      `\n  App         ${url}\n  Dashboard   ${collector.dashboardUrl}\n\n  Ctrl-C ends it.\n`,
    );
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
    return;
  }
  try {
    console.log(JSON.stringify(await check(url, phospho)));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await close();
  }
}
