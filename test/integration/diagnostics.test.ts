import type { ChannelListener } from 'node:diagnostics_channel';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { logTasks, phosphoFor } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

const NAMES = ['accepted', 'delivered', 'dropped', 'error', 'batch'] as const;

function listen(name: (typeof NAMES)[number], listener: ChannelListener): () => void {
  subscribe(`phospho:${name}`, listener);
  const off = () => void unsubscribe(`phospho:${name}`, listener);
  onTestFinished(off);
  return off;
}

/** All that is published, in its order. */
function listenToAll(): { name: string; message: unknown }[] {
  const messages: { name: string; message: unknown }[] = [];
  for (const name of NAMES) listen(name, (message) => messages.push({ name, message }));
  return messages;
}

async function setUp() {
  const double = new PhosphoDouble();
  const phospho = phosphoFor({ baseUrl: await double.serve() });
  return { double, phospho };
}

describe('diagnostics channels', () => {
  it('tell of a task: accepted, its batch answered, delivered', async () => {
    const messages = listenToAll();
    const { double, phospho } = await setUp();
    logTasks(phospho, 1);
    await phospho.flush();
    const body = double.asked[0]?.body ?? '';
    expect(messages).toEqual([
      { name: 'accepted', message: { taskId: 't0' } },
      {
        name: 'batch',
        message: {
          events: 1,
          bytes: body.length - '{"batched_log_events":[]}'.length,
          durationMs: expect.any(Number),
          error: undefined,
        },
      },
      { name: 'delivered', message: { taskId: 't0' } },
    ]);
  });

  it('tell of faults and losses', async () => {
    const messages = listenToAll();
    const { double, phospho } = await setUp();
    double.script = [{ status: 503 }];
    double.errorInLog = () => 'bad';
    logTasks(phospho, 1);
    await phospho.flush();
    expect(messages.map(({ name }) => name)).toEqual([
      'accepted',
      'batch',
      'error',
      'batch',
      'dropped',
    ]);
    const error = expect.objectContaining({ status: 503 });
    expect(messages[1]?.message).toMatchObject({ events: 1, error });
    expect(messages[2]?.message).toEqual({ what: 'delivery', error });
    expect(messages[4]?.message).toEqual({
      kind: 'event',
      reason: 'refused',
      taskIds: ['t0'],
      count: 1,
      message: 'bad',
    });
  });

  it('are silent for who does not listen any more', async () => {
    let heard = 0;
    const off = listen('accepted', () => {
      heard += 1;
    });
    const { phospho } = await setUp();
    logTasks(phospho, 1);
    await phospho.flush();
    off();
    logTasks(phospho, 1, 'later');
    await phospho.flush();
    expect(heard).toBe(1);
    expect(phospho.stats().events.delivered).toBe(2);
  });

  it('deliver the same where a listener throws; Node reports what it threw', async () => {
    // Node raises it as an uncaught exception of its own tick; vitest would take it for the test's.
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    });
    const thrown: unknown[] = [];
    process.on('uncaughtException', (error) => thrown.push(error));
    for (const name of NAMES) {
      listen(name, () => {
        throw new Error(`a listener of ${name}`);
      });
    }
    const heard = listenToAll();
    const { double, phospho } = await setUp();
    double.script = [{ status: 503 }];
    double.errorInLog = ({ task_id }) => (task_id === 't1' ? 'bad' : undefined);
    logTasks(phospho, 3);
    const ledger = await phospho.flush();
    expect(ledger.events).toMatchObject({ captured: 3, delivered: 2, deadLettered: 1 });
    expect([...double.stored.keys()].sort()).toEqual(['t0', 't2']);
    while (thrown.length < heard.length) await once(process, 'uncaughtException');
    expect(String(thrown[0])).toBe('Error: a listener of accepted');
  });
});
