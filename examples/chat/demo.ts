import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { check, isGood } from './check.ts';
import { readConversations } from './conversations.ts';
import { startStack } from './stack.ts';

const HELP = `npm run demo [-- --check] [--data FILE]

  (nothing)     start collector and chat app, print their addresses, run until Ctrl-C
  --check       play every conversation through the app, read all back, compare, exit
  --data FILE   conversations to replay: JSON lines {session, model, turns: [{input, output}]}
`;

const DATABASE = join('.demo', 'phospho.db');

try {
  process.exitCode = await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      data: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(HELP);
  else if (values.check) return runCheck(values.data);
  else await runDemo(values.data);
  return 0;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error) || error.code !== 'EADDRINUSE') return `demo: ${error.message}`;
  return `demo: ${error.message}. Set PORT (chat app) or PHOSPHO_COLLECTOR_PORT to a free one, or 0.`;
}

/** In a fresh database and on free ports, so that it can run beside a demo that is open. */
async function runCheck(data: string | undefined): Promise<number> {
  const conversations = await readConversations(data);
  const folder = await mkdtemp(join(tmpdir(), 'phospho-demo-'));
  const stack = await startStack({
    conversations,
    databaseFile: join(folder, 'phospho.db'),
    collectorPort: 0,
    chatPort: 0,
    alwaysReplay: true,
  });
  try {
    console.log(
      `collector ${stack.collectorUrl}, chat app ${stack.chatUrl}, model: ${stack.model}`,
    );
    const result = await check(stack, conversations);
    console.log(JSON.stringify(result));
    return isGood(result) ? 0 : 1;
  } finally {
    await stack.close();
    await rm(folder, { recursive: true });
  }
}

async function runDemo(data: string | undefined): Promise<void> {
  const stack = await startStack({
    conversations: await readConversations(data),
    databaseFile: DATABASE,
    collectorPort: Number(process.env.PHOSPHO_COLLECTOR_PORT ?? 7700),
    chatPort: Number(process.env.PORT ?? 3000),
    alwaysReplay: data !== undefined,
    msPerWord: 20,
  });
  console.log(`
  Chat        ${stack.chatUrl}
  Dashboard   ${stack.dashboardUrl}

  Ask something, press a thumb, watch the dashboard.

  The model:  ${stack.model}
  The data:   ${DATABASE}
  From a terminal: curl ${stack.chatUrl}

  Ctrl-C ends it.
`);
  const stop = (): void => {
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
    stack.close().then(
      ({ events, flags }) => {
        console.log(`\ndelivered ${events.delivered} task(s) and ${flags.delivered} flag(s)`);
      },
      (error: unknown) => {
        console.error(error);
        process.exitCode = 1;
      },
    );
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}
