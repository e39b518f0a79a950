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
  const app = express();
  app.use((_req, res, next) => {
    res.set('x-worker', `${process.pid}`);
    next();
  });
  app.use(phospho.router(), phospho.middleware(), express.json());
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

interface Answer {
  status: number;
  text: string;
  worker: string;
  token: string;
}

function post(port: number, path: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json', connection: 'close' };
  return new Promise((resolve, reject) => {
    const one = request({ port, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      const { 'x-worker': worker, 'x-phospho-feedback-token': token } = response.headers;
      const status = response.statusCode ?? 0;
      response.on('end', () => resolve({ status, text, worker: `${worker}`, token: `${token}` }));
    });
    one.on('error', reject).end(JSON.stringify(body));
  });
}

/** One question and a thumb for its answer; each by a connection of its own, and so by any two workers. */
async function ask(port: number): Promise<{ text: string; flagged: number; byAnother: boolean }> {
  const messages = [{ role: 'user', content: 'Hi' }];
  const { text, token, worker } = await post(port, '/chat', { messages });
  const flag = await post(port, '/phospho/flag', { token, flag: 'success' });
  return { text, flagged: flag.status, byAnother: flag.worker !== worker };
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
  const answers: Awaited<ReturnType<typeof ask>>[] = [];
  for (let n = 0; n < REQUESTS; n += 20) {
    answers.push(...(await Promise.all(Array.from({ length: 20 }, () => ask(port)))));
  }
  const ended = workers.map((worker) => once(worker, 'exit'));
  for (const worker of workers) worker.send('end');
  const codes = (await Promise.all(ended)).map(([code]) => code);
  process.stdout.write(JSON.stringify({ ledgers, codes, answers }));
}

await (cluster.isPrimary ? lead() : serve());
