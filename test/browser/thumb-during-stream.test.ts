import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type Response } from 'express';
import type { EventResult, QueuedEvent, QueuedFlag } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import { expect, it, onTestFinished } from 'vitest';
import type { PhosphoFeedback } from '../../src/widget/index.ts';
import { phosphoFor, SECRET } from '../helpers/ledger.ts';
import { until } from './helpers/until.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

/** Notes in which order a server would hear of what. */
class OrderedExporter extends InMemoryExporter {
  readonly order: string[] = [];

  override async export(batch: readonly QueuedEvent[]): Promise<EventResult[]> {
    const results = await super.export(batch);
    for (const { task_id } of this.batches.at(-1) ?? []) this.order.push(`task ${task_id}`);
    return results;
  }

  override async flag(flag: QueuedFlag): Promise<void> {
    await super.flag(flag);
    this.order.push(`${flag.flag} ${flag.taskId}`);
  }
}

/** The page's own script: an answer that streams in, with its thumbs from the first byte on. */
const SCRIPT = `
const thumbs = document.querySelector('phospho-feedback');
const answer = document.querySelector('#answer');
document.querySelector('button').addEventListener('click', async () => {
  const { fromHeaders } = document.body.dataset;
  const response = await fetch(fromHeaders ? '/chat' : '/quiet', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Capital of Australia?' }] }),
  });
  if (fromHeaders) thumbs.attach(response);
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split('\\n\\n');
    rest = events.pop();
    for (const event of events) {
      const data = event.slice(event.indexOf('data: ') + 6);
      if (event.startsWith('event: phospho')) {
        const { task_id, feedback_token } = JSON.parse(data);
        thumbs.setAttribute('task-id', task_id);
        thumbs.setAttribute('token', feedback_token);
      } else if (data !== '[DONE]') answer.textContent += JSON.parse(data).choices[0].delta.content;
    }
  }
  document.title = 'done';
});`;

async function openChat(skip: (reason: string) => void, from: 'headers' | 'event') {
  const opened = browser(skip);
  const exporter = new OrderedExporter();
  const phospho = phosphoFor({ exporter, feedback: { secret: SECRET } });
  const streams: Response[] = [];
  const send = (res: Response, content: string): void => {
    res.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);
  };
  const app = express();
  app.use(phospho.router());
  app.post('/chat', phospho.middleware(), express.json(), (_req, res) => {
    streams.push(res.type('text/event-stream'));
    send(res, 'Canberra');
  });
  app.post('/quiet', phospho.middleware({ publish: 'none' }), express.json(), (req, res) => {
    streams.push(res.type('text/event-stream'));
    res.write(req.phospho?.sseEvent());
    send(res, 'Canberra');
  });
  app.get('/script.js', (_req, res) => void res.type('js').send(SCRIPT));
  app.get('/', (_req, res) => {
    res.set('Content-Security-Policy', "default-src 'self'").send(`<!doctype html>
      <html lang="en"><title>Chat</title>
      <body ${from === 'headers' ? 'data-from-headers="yes"' : ''}><main><h1>Chat</h1>
      <button>Ask</button><p id="answer"></p><phospho-feedback></phospho-feedback></main>
      <script type="module" src="/phospho/widget.js"></script>
      <script type="module" src="/script.js"></script>`);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { page } = await openPage(opened);
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const finish = (): void => {
    for (const res of streams) {
      send(res, ', of course.');
      res.end('data: [DONE]\n\n');
    }
  };
  return { page, phospho, exporter, finish };
}

it.for(['headers', 'event'] as const)(
  'a thumb that is given while the answer is still streaming, its token from the %s, waits for its task',
  async (from, { skip }) => {
    const { page, phospho, exporter, finish } = await openChat(skip, from);
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.getByText('Canberra').waitFor();
    await page.getByRole('button', { name: 'Good answer' }).click();
    const element = page.locator('phospho-feedback');
    const state = () => element.evaluate((one) => (one as PhosphoFeedback).state);
    await until(async () => expect(await state()).toBe('sent'));
    const taskId = await element.getAttribute('task-id');
    expect(await page.title(), 'the answer is still streaming').toBe('Chat');
    expect(exporter.order).toEqual([]);
    expect(phospho.stats().flags.held).toBe(1);

    finish();
    await page.getByText('Canberra, of course.').waitFor();
    await until(async () => {
      await phospho.flush();
      expect(exporter.order).toEqual([`task ${taskId}`, `success ${taskId}`]);
    });
    expect(exporter.events).toMatchObject([
      { input: 'Capital of Australia?', output: 'Canberra, of course.' },
    ]);
  },
);
