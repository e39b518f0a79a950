// One app in a process of its own: `bare` or `ours`, answering JSON or a stream; prints its port.
import { once } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import { Phospho } from 'phospho-express';
import { COMPLETION } from './measure.mjs';

const [kind, mode, sinkUrl] = process.argv.slice(2);
const app = express();
if (kind === 'ours') {
  const phospho = new Phospho({ apiKey: 'bench'.repeat(8), projectId: 'bench', baseUrl: sinkUrl });
  app.use(phospho.middleware());
}
app.use(express.json());
if (mode === 'json') app.post('/', (_req, res) => res.json(COMPLETION));
else {
  app.post('/', async (_req, res) => {
    res.set('content-type', 'text/event-stream');
    for (let i = 0; i < 50; i++) {
      res.write('data: {"content":"The moon pulls at the sea. "}\n\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
    res.end('data: [DONE]\n\n');
  });
}
const server = createServer(app).listen(0, '127.0.0.1');
await once(server, 'listening');
process.send({ port: server.address().port });
process.on('message', () => process.send({ cpu: process.cpuUsage() }));
process.once('disconnect', () => process.exit());
