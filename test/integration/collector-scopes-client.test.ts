import { Phospho } from 'phospho-express';
import { Client } from 'phospho-express/client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startCollector } from './collector-helpers.ts';

/** A collector that listens, and a key with some scopes. */
async function withKey(scopes: string[]) {
  const { collector, admin } = await startCollector();
  await collector.listen();
  const { body } = await admin.post('/admin/projects/demo/keys', { scopes }).expect(200);
  return { baseUrl: collector.baseUrl, projectId: 'demo', apiKey: String(body.api_key) };
}

test('the client says which scope a key lacks, in the server’s words', async () => {
  const client = new Client(await withKey(['write']));
  onTestFinished(() => client.close());
  await expect(client.tasks.list()).rejects.toThrow(
    /^POST \/projects\/demo\/tasks: 403 This API key lacks the scope "read"; it has "write"$/,
  );
});

test('delivery with a key that may not write keeps the events, and says why, once', async () => {
  const errors: string[] = [];
  const error = (message: string) => errors.push(message);
  // What shutdown has no time for is told, too.
  const logger = { ...console, warn: () => undefined, error };
  const phospho = new Phospho({ ...(await withKey(['read'])), logger });
  phospho.log({ input: 'Hi', output: 'Hello!' });
  await vi.waitUntil(() => errors.length > 0, { timeout: 10_000 });
  expect(errors).toEqual([
    expect.stringContaining('403 This API key lacks the scope "write"; it has "read"'),
  ]);
  const { events } = phospho.stats();
  expect(events).toMatchObject({ captured: 1, delivered: 0, deadLettered: 0 });
  await phospho.shutdown({ timeoutMs: 1 });
});
