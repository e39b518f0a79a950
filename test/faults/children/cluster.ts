/** Four processes serve one port; each tells its ledger when it is asked to end. The first line out is the port. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { type Ledger, Phospho } from '../../../src/index.ts';

const SIZE = 4;
const REQUESTS = 200;

async function serve(): Promise<void> {
  const phospho = new Phospho({ logLevel: 'silent' });
  const app = express().use(phospho.middleware(), express.json());
  app.post('/chat', (_req, res) => void res.json({ content: `from ${process.pid}` }));
  const server = app.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
  await once(process, 'message');
  server.close();
  server.closeAllConnections();
  process.send?.({ ledger: await phospho.shutdown() });
  process.disconnect();
}

function ask(port: number): Promise<string> {
  const body = '{"messages":[{"role":"user","content":"Hi"}]}';
  const headers = { 'content-type': 'application/json', connection: 'close' };
  return new Promise((resolve, reject) => {
    const one = request({ port, path: '/chat', method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    one.on('error', reject).end(body);
  });
}

async function lead(): Promise<void> {
  const workers = Array.from({ length: SIZE }, () => cluster.fork());
  const ledgers: Ledger[] = [];
  let port = 0;
  const listening = workers.map(
    (worker) =>
      new Promise<void>((resolve) => {
        worker.on('message', (message: { port?: number; ledger?: Ledger }) => {
          if (message.ledger) ledgers.push(message.ledger);
          port = message.port ?? port;
          resolve();
        });
      }),
  );
  await Promise.all(listening);
  const answers: string[] = [];
  for (let n = 0; n < REQUESTS; n += 20) {
    answers.push(...(await Promise.all(Array.from({ length: 20 }, () => ask(port)))));
  }
  const ended = workers.map((worker) => once(worker, 'exit'));
  for (const worker of workers) worker.send('end');
  const codes = (await Promise.all(ended)).map(([code]) => code);
  process.stdout.write(JSON.stringify({ ledgers, codes, answers }));
}

await (cluster.isPrimary ? lead() : serve());
