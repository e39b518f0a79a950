import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import express, { type Express } from 'express';
import type { Phospho } from 'phospho-express';

const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The page may load what this app serves, and nothing else. The element needs no more. */
const SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * A chat app with a page in React. `POST /api/chat` takes `{ session_id, messages }` and streams its answer as
 * plain text; task id and token of the feedback travel in its headers.
 */
export async function createReactApp(phospho: Phospho): Promise<Express> {
  const client = await bundleClient();
  const app = express();
  app.use(phospho.router()); // POST /phospho/flag
  app.use(phospho.middleware()); // captures the exchanges below
  app.use(express.json());

  app.use((_req, res, next) => {
    res.set('Content-Security-Policy', SECURITY_POLICY);
    next();
  });
  app.get('/client.js', (_req, res) => void res.type('js').send(client));
  app.use(express.static(folder('public')));

  app.post('/api/chat', async (req, res) => {
    const question = req.body?.messages?.at?.(-1)?.content;
    if (typeof question !== 'string') {
      res.status(400).json({ error: 'messages must end with { role, content }' });
      return;
    }
    res.type('text/plain');
    for await (const piece of answer(question)) {
      if (res.closed) break; // the reader has left
      res.write(piece);
    }
    res.end();
  });
  return app;
}

/** Here your model would speak. */
async function* answer(question: string): AsyncGenerator<string> {
  const text = `You asked: “${question}” A model would know; this example only streams, word by word.`;
  for (const word of text.split(/(?<= )/)) {
    yield word;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** In a real app your bundler does this, ahead of time. */
async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [folder('client/main.tsx')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
