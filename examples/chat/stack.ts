import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import OpenAI from 'openai';
import { type Ledger, Phospho } from 'phospho-express';
import { createCollector } from 'phospho-express/collector';
import { createChatApp } from './app.ts';
import type { Conversation } from './conversations.ts';
import { demoSecret } from './demo-secret.ts';
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
  /** The pace of the replayed model. Default: as fast as it can. */
  msPerWord?: number;
}

/** Everything that the demo runs, in one process on loopback. */
export interface Stack {
  phospho: Phospho;
  chatUrl: string;
  collectorUrl: string;
  /** Opens the collector's dashboard, and logs in. */
  dashboardUrl: string;
  /** Where the model's answers come from, in words. */
  model: string;
  close(): Promise<Ledger>;
}

/** Starts all of it, or nothing: what had started is closed again if a port is taken. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const opened: (() => Promise<unknown>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    return await start(options, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function start(
  options: StackOptions,
  opened: (() => Promise<unknown>)[],
  closeAll: () => Promise<void>,
): Promise<Stack> {
  const folder = dirname(options.databaseFile);
  await mkdir(folder, { recursive: true });
  const apiKey = `demo_${randomBytes(32).toString('base64url')}`;
  const collector = await createCollector({
    port: options.collectorPort,
    database: `sqlite:${options.databaseFile}`,
    project: 'demo',
    apiKey,
  });
  opened.push(() => collector.close());
  await collector.listen();

  const openai = await connectModel(options, opened);
  const phospho = new Phospho({
    apiKey,
    projectId: 'demo',
    baseUrl: collector.baseUrl,
    feedback: { secret: await demoSecret(join(folder, 'feedback-secret')) },
  });
  opened.push(() => phospho.shutdown());

  const chat = createServer(createChatApp(phospho, openai));
  const chatUrl = await listen(chat, options.chatPort);
  opened.push(() => closeServer(chat));

  return {
    phospho,
    chatUrl,
    collectorUrl: collector.url,
    dashboardUrl: collector.dashboardUrl,
    model:
      openai.apiKey === REPLAYED
        ? 'replayed conversations (set OPENAI_API_KEY for a real one)'
        : openai.baseURL,
    async close() {
      await closeAll();
      return phospho.stats();
    },
  };
}

const REPLAYED = 'replayed';

/** The model that the environment names, else a server that replays conversations. */
async function connectModel(
  { alwaysReplay, conversations, msPerWord = 0 }: StackOptions,
  opened: (() => Promise<unknown>)[],
): Promise<OpenAI> {
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: url } = process.env;
  if (!alwaysReplay && (key || url)) return new OpenAI({ apiKey: key ?? 'none' });
  const server = createReplayServer(conversations, { msPerWord });
  const baseURL = `${await listen(server, 0)}/v1`;
  opened.push(() => closeServer(server));
  return new OpenAI({ apiKey: REPLAYED, baseURL });
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
