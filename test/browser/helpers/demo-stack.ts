import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Stack, type StackOptions, startStack } from '../../../examples/chat/stack.ts';

export const QUESTION = 'How long should green tea steep?';
export const ANSWER = 'About two minutes, with water at 75 °C: hotter or longer makes it bitter.';

/** The example app, its replayed model and a collector, as `npm run demo` starts them, on ports of their own. */
export async function startDemo(options: Partial<StackOptions> = {}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-browser-'));
  const stack = await startStack({
    conversations: [{ session: 's', model: 'm', turns: [{ input: QUESTION, output: ANSWER }] }],
    databaseFile: join(folder, 'phospho.db'),
    collectorPort: 0,
    chatPort: 0,
    alwaysReplay: true,
    msPerWord: 20,
    ...options,
  });
  onTestFinished(async () => {
    await stack.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return stack;
}
