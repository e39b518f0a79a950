import type { PhosphoOptions } from 'phospho-express';
import { Agent, type Dispatcher } from 'undici';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { logTasks, phosphoFor } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';
import { startCollector } from './collector-helpers.ts';

/** A name that is not this machine's; the dispatcher below leads it here all the same. */
const ELSEWHERE = 'collector.example';
const GZIP = { 'x-phospho-accept-encoding': 'gzip' };

/** Every name leads to this machine; notes how each body of a batch travels. */
function wire(): { dispatcher: Dispatcher; encodings: string[]; bytes: number[] } {
  const encodings: string[] = [];
  const bytes: number[] = [];
  const agent = new Agent({
    connect: {
      lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    },
  });
  onTestFinished(() => agent.destroy());
  const dispatcher = agent.compose((dispatch) => (request, handler) => {
    if (request.path.includes('/log/')) {
      const headers = request.headers as Record<string, string>;
      encodings.push(headers['content-encoding'] ?? 'plain');
      bytes.push(Buffer.byteLength(request.body as string | Buffer));
    }
    return dispatch(request, handler);
  });
  return { dispatcher, encodings, bytes };
}

const elsewhere = (baseUrl: string): string => baseUrl.replace(/127\.0\.0\.1|localhost/, ELSEWHERE);

async function withDouble(
  compression: NonNullable<PhosphoOptions['delivery']>['compression'],
  {
    headers = {},
    isElsewhere = true,
  }: { headers?: Record<string, string>; isElsewhere?: boolean } = {},
) {
  const double = new PhosphoDouble();
  double.headers = headers;
  const served = await double.serve();
  const { dispatcher, encodings } = wire();
  const phospho = phosphoFor({
    baseUrl: isElsewhere ? elsewhere(served) : served,
    dispatcher,
    allowInsecureHttp: true,
    // A flush would send what a busy machine has serialised so far; a full batch goes by itself.
    delivery: {
      ...(compression && { compression }),
      concurrency: 1,
      maxBatchEvents: 10,
      lingerMs: 60_000,
    },
  });
  let sent = 0;
  /** One batch of some 5 kB, whose halves are worth compressing too. */
  const send = async () => {
    sent += 1;
    for (let n = 0; n < 10; n++) {
      const taskId = `batch${sent}-${n}`;
      phospho.log({ taskId, input: `question ${n}`, output: 'answer '.repeat(40) });
    }
    await vi.waitFor(
      () => {
        const { captured, delivered, deadLettered } = phospho.stats().events;
        expect(delivered + deadLettered).toBe(captured);
      },
      { timeout: 10_000 },
    );
  };
  return { double, phospho, encodings, send };
}

describe('through a collector', () => {
  it('what was sent compressed is stored as it was captured', async () => {
    const { collector, get } = await startCollector({ allowedHosts: [ELSEWHERE] });
    await collector.listen();
    const { dispatcher, encodings, bytes } = wire();
    const phospho = phosphoFor({
      apiKey: collector.apiKey ?? '',
      projectId: 'demo',
      baseUrl: elsewhere(collector.baseUrl),
      dispatcher,
      allowInsecureHttp: true,
    });
    phospho.log({ taskId: 'first', input: 'Is gzip taken?', output: 'The answer tells.' });
    await phospho.flush();
    const input = '¿Qué? 你好 👍 \u2028 "quoted" \\ '.repeat(2_000);
    phospho.log({ taskId: 'second', input, output: 'b'.repeat(100_000), metadata: { n: 1 } });
    const ledger = await phospho.flush();
    expect(ledger.events).toMatchObject({ delivered: 2, deadLettered: 0, dropped: {} });
    expect(encodings).toEqual(['plain', 'gzip']);
    expect(bytes[1]).toBeLessThan(10_000);
    const { body } = await get('/tasks/second').expect(200);
    expect(body).toMatchObject({ input, output: 'b'.repeat(100_000), metadata: { n: 1 } });
    await get('/tasks/first').expect(200);
  });

  it('on this machine nothing is compressed', async () => {
    const { collector } = await startCollector();
    await collector.listen();
    const { dispatcher, encodings } = wire();
    const { apiKey = '', baseUrl } = collector;
    const phospho = phosphoFor({ apiKey, projectId: 'demo', baseUrl, dispatcher });
    for (const prefix of ['a', 'b']) {
      logTasks(phospho, 20, prefix);
      await phospho.flush();
    }
    expect(new Set(encodings)).toEqual(new Set(['plain']));
    expect(phospho.stats().events.delivered).toBe(40);
  });
});

describe('delivery.compression', () => {
  it.each([
    ['auto', GZIP, true, ['plain', 'gzip', 'gzip']],
    [undefined, GZIP, true, ['plain', 'gzip', 'gzip']],
    ['auto', {}, true, ['plain', 'plain', 'plain']],
    ['auto', { 'x-phospho-accept-encoding': 'br, deflate' }, true, ['plain', 'plain', 'plain']],
    ['auto', GZIP, false, ['plain', 'plain', 'plain']],
    ['gzip', {}, true, ['gzip', 'gzip', 'gzip']],
    ['gzip', {}, false, ['gzip', 'gzip', 'gzip']],
    ['off', GZIP, true, ['plain', 'plain', 'plain']],
  ] as const)(
    '%s, with a server that says %j (elsewhere: %s), sends %j',
    async (compression, headers, isElsewhere, expected) => {
      const { double, phospho, encodings, send } = await withDouble(compression, {
        headers,
        isElsewhere,
      });
      for (let i = 0; i < 3; i++) await send();
      expect(encodings).toEqual(expected);
      expect(double.stored.size).toBe(30);
      expect(double.stored.get('batch3-9')?.input).toBe('question 9');
      expect(phospho.stats().events.delivered).toBe(30);
    },
  );

  it('a body below 1 kB is not worth it', async () => {
    const { phospho, encodings } = await withDouble('gzip');
    logTasks(phospho, 1);
    await phospho.flush();
    expect(encodings).toEqual(['plain']);
  });

  it('a server that takes it back gets plain bodies again', async () => {
    const { double, encodings, send } = await withDouble('auto', { headers: GZIP });
    await send();
    await send();
    double.headers = {};
    await send();
    await send();
    expect(encodings).toEqual(['plain', 'gzip', 'gzip', 'plain']);
  });

  it.each(['auto', 'gzip'] as const)(
    'after a 415, %s sends the same batch plain, and all later ones',
    async (compression) => {
      const { double, phospho, encodings, send } = await withDouble(compression, { headers: GZIP });
      double.behave = ({ headers }) =>
        headers['content-encoding'] === 'gzip' ? { status: 415 } : undefined;
      for (let i = 0; i < 3; i++) await send();
      const plain = compression === 'auto' ? ['plain'] : [];
      expect(encodings.slice(0, 4)).toEqual(
        [...plain, 'gzip', 'plain', 'plain', 'plain'].slice(0, 4),
      );
      expect(encodings.filter((encoding) => encoding === 'gzip')).toHaveLength(1);
      expect([...double.storings.values()]).toEqual(Array(30).fill(1));
      expect(phospho.stats().events).toMatchObject({ delivered: 30, deadLettered: 0, dropped: {} });
    },
  );

  it('a compressed batch is retried and halved like any other', async () => {
    const { double, phospho, encodings, send } = await withDouble('gzip');
    double.script = [{ status: 503 }];
    double.behave = ({ ids }) =>
      double.asked.length > 1 && ids.includes('batch1-3') ? { status: 422 } : undefined;
    await send();
    expect(phospho.stats().events).toMatchObject({ delivered: 9, deadLettered: 1, dropped: {} });
    expect(encodings.slice(0, 3)).toEqual(['gzip', 'gzip', 'gzip']);
  });
});
