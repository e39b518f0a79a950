import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Phospho } from 'phospho-express';
import type { Collector } from 'phospho-express/collector';

/** A chat app that has its collector in it, at `/collector`: one process, one port, one certificate. */
export function createAppWithCollector(phospho: Phospho, collector: Collector): Express {
  const app = express();
  // Before parsers: the collector reads its own bodies, which may be larger than the app's.
  app.use('/collector', collector.app);
  app.use(helmet());
  app.use(phospho.router()); // POST /phospho/flag, GET /phospho/widget.js
  app.use(phospho.middleware());
  app.use(express.json());
  app.post('/chat', (req, res) => {
    const question = String(req.body?.messages?.at(-1)?.content ?? '');
    const content = `You asked: “${question}” A model would know.`;
    const message = { role: 'assistant', content };
    res.json({
      object: 'chat.completion',
      choices: [{ index: 0, finish_reason: 'stop', message }],
    });
  });
  return app;
}
