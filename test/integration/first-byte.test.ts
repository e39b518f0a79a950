import { createServer } from 'node:http';
import type { MiddlewareOptions } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { listening } from '../helpers/servers.ts';

const ASKED = { messages: [{ role: 'user', content: 'Lisbon in the rain?' }] };
const WAYS: [string, MiddlewareOptions][] = [
  ['as by default', {}],
  ['with flushBeforeEnd', { flushBeforeEnd: true }],
];

describe.each(EXPRESS_VERSIONS)('a stream on %s', (_name, express) => {
  it.each(WAYS)(
    'has each chunk with the client before the app writes the next, %s',
    async (_way, options) => {
      const { phospho, events } = testPhospho();
      const order: string[] = [];
      let confirm = (): void => {};
      const app = express();
      app.use(phospho.middleware(options));
      app.use(express.json());
      app.post('/confirm', (_req, res) => {
        confirm();
        res.end();
      });
      app.post('/chat', async (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream' });
        for (const word of ['Take ', 'an ', 'umbrella']) {
          const confirmed = new Promise<void>((resolve) => {
            confirm = resolve;
          });
          order.push(`written: ${word}`);
          res.write(`data: ${JSON.stringify({ content: word })}\n\n`);
          // What waits for more, or for us, is never confirmed.
          await confirmed;
        }
        order.push('ended');
        res.end();
      });
      const url = `http://127.0.0.1:${await listening(createServer(app))}`;
      const response = await fetch(`${url}/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(ASKED),
      });
      const reader = response.body?.getReader();
      for (let got = await reader?.read(); got?.value; got = await reader?.read()) {
        const [, data = ''] = Buffer.from(got.value).toString().split('data: ');
        order.push(`got: ${JSON.parse(data).content}`);
        await fetch(`${url}/confirm`, { method: 'POST' });
      }
      expect(order).toEqual([
        ...['Take ', 'an ', 'umbrella'].flatMap((word) => [`written: ${word}`, `got: ${word}`]),
        'ended',
      ]);
      expect(await events()).toMatchObject([{ output: 'Take an umbrella' }]);
    },
  );
});
