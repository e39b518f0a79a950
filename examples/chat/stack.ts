import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import OpenAI from 'openai';
import { type Ledger, Phospho } from 'phospho-express';
import { createCollector } from 'phospho-express/collector';
import { createChatApp } from './app.ts';
import type { Conversation } from './conversations.ts';
import { createReplayServer } from './replay-server.ts';

export interface StackOptions {
  /** What the replayed model knows. */
  conversations: readonly Conversation[];
  /** The collector's SQLite file. */
  databaseFile: string;
  collectorPort: number;
  chatPort: number;
  /** Replays even if the environment names a real model. */
  alwaysReplay: boolean;
}

/** Everything that the demo runs, in one process on loopback. */
export interface Stack {
  phospho: Phospho;
  chatUrl: string;
  collectorUrl: string;
  apiKey: string;
  /** Where the model's answers come from, in words. */
  model: string;
  close(): Promise<Ledger>;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  await mkdir(dirname(options.databaseFile), { recursive: true });
  const apiKey = `demo_${randomBytes(32).toString('base64url')}`;
  const collector = await createCollector({
    port: options.collectorPort,
    database: `sqlite:${options.databaseFile}`,
    project: 'demo',
    apiKey,
  });
  await collector.listen();

  const hasModel = Boolean(process.env.OPENAI_BASE_URL || process.env.OPENAI_API_KEY);
  const replay =
    options.alwaysReplay || !hasModel ? createReplayServer(options.conversations) : undefined;
  const openai = replay
    ? new OpenAI({ apiKey: 'replayed', baseURL: `${await listen(replay, 0)}/v1` })
    : new OpenAI({ apiKey: process.env.OPENAI_API_KEY ?? 'none' });

  const phospho = new Phospho({ apiKey, projectId: 'demo', baseUrl: collector.baseUrl });
  const chat = createServer(createChatApp(phospho, openai));
  const chatUrl = await listen(chat, options.chatPort);

  return {
    phospho,
    chatUrl,
    apiKey,
    collectorUrl: collector.url,
    model: replay ? 'replayed conversations (set OPENAI_API_KEY for a real model)' : openai.baseURL,
    async close() {
      await closeServer(chat);
      const ledger = await phospho.shutdown();
      if (replay) await closeServer(replay);
      await collector.close();
      return ledger;
    },
  };
}

async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closeServer(server: Server): Promise<void> {
  server.close();
  server.closeIdleConnections();
  await once(server, 'close');
}
