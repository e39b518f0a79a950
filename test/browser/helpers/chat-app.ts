import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import type { Phospho } from 'phospho-express';
import { onTestFinished } from 'vitest';
import { createChatApp } from '../../../examples/chat/app.ts';
import { createReplayServer } from '../../../examples/chat/replay-server.ts';
import { KEY, phosphoFor, SECRET } from '../../helpers/ledger.ts';
import { ANSWER, QUESTION } from './demo-stack.ts';

/** The example app alone: where its collector or its model should be, there may be nothing. */
export async function startApp({
  collectorUrl = 'http://127.0.0.1:1/v2',
  modelUrl,
}: {
  collectorUrl?: string;
  modelUrl?: string;
}): Promise<{ url: string; phospho: Phospho; apiKey: string }> {
  const phospho = phosphoFor({
    projectId: 'demo',
    baseUrl: collectorUrl,
    feedback: { secret: SECRET },
  });
  const model = createReplayServer([
    { session: 's', model: 'm', turns: [{ input: QUESTION, output: ANSWER }] },
  ]);
  const openai = new OpenAI({
    apiKey: 'none',
    baseURL: modelUrl ?? `${await urlOf(model.listen(0, '127.0.0.1'))}/v1`,
    maxRetries: 0,
  });
  const server = createChatApp(phospho, openai).listen(0, '127.0.0.1');
  return { url: await urlOf(server), phospho, apiKey: KEY };
}

async function urlOf(server: ReturnType<typeof createReplayServer>): Promise<string> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
