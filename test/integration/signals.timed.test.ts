import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { InMemoryExporter } from 'phospho-express/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { startScript } from '../helpers/child.ts';
import { phosphoFor } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
const ours = () =>
  SIGNALS.map((signal) => {
    return process.listeners(signal).filter((one) => !before.get(signal)?.includes(one)).length;
  });

/** A script that stays, and got its first signal while nothing of it can be delivered. */
async function terminateWhileServerHangs() {
  const double = new PhosphoDouble();
  double.behave = () => 'hang';
  const { child, said, ended } = await startScript(
    `${staying()} console.log('ready');`,
    await double.serve(),
  );
  await said('ready');
  child.kill('SIGTERM');
  return { double, child, ended };
}

describe('handleSignals', () => {
  afterEach(() => {
    expect(ours()).toEqual([0, 0]);
  });

  it('off, as it is by default, listens to nothing', () => {
    phosphoFor({ exporter: new InMemoryExporter() });
    phosphoFor({ exporter: new InMemoryExporter(), handleSignals: false });
    phosphoFor({ exporter: new InMemoryExporter(), handleSignals: true, enabled: false });
    expect(ours()).toEqual([0, 0]);
  });

  it('on, has one listener a signal for all instances, and none once all are shut down', async () => {
    const options = { exporter: new InMemoryExporter(), handleSignals: true };
    const all = Array.from({ length: 20 }, () => phosphoFor(options));
    expect(ours()).toEqual([1, 1]);
    await Promise.all(all.slice(1).map((phospho) => phospho.shutdown()));
    expect(ours()).toEqual([1, 1]);
    await all[0]?.shutdown();
    expect(ours()).toEqual([0, 0]);
  });
});

/** A process that stays, with tasks that a batch still waits for. */
const staying = (options = 'handleSignals: true') => `
  const phospho = new Phospho({ ${options}, delivery: { lingerMs: 60000 } });
  setInterval(() => {}, 1000);
  for (let n = 0; n < 50; n++) phospho.log({ input: 'x', taskId: 't' + n });`;

describe('a process with handleSignals', () => {
  it.each(SIGNALS)('delivers at %s, and ends by that signal', async (signal) => {
    const double = new PhosphoDouble();
    const { child, said, ended } = await startScript(
      `${staying()} console.log('ready');`,
      await double.serve(),
    );
    await said('ready');
    child.kill(signal);
    expect(await ended).toMatchObject({ code: null, signal });
    expect(double.stored.size).toBe(50);
  });

  it('delivers for all of its instances', async () => {
    const double = new PhosphoDouble();
    const { child, said, ended } = await startScript(
      `${staying()}
      new Phospho({ handleSignals: true }).log({ input: 'x', taskId: 'other' });
      console.log('ready');`,
      await double.serve(),
    );
    await said('ready');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ signal: 'SIGTERM' });
    expect(double.stored.size).toBe(51);
    expect(double.stored.has('other')).toBe(true);
  });

  it('ends at once at a second signal, though the server hangs', async () => {
    const { double, child, ended } = await terminateWhileServerHangs();
    await double.arrived(1);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGINT' });
  });

  it('ends by the signal, too, when the server hangs longer than the time of shutdown()', async () => {
    const { ended } = await terminateWhileServerHangs();
    const { signal, out } = await ended;
    expect(signal).toBe('SIGTERM');
    expect(out).toContain('reason shutdown');
  });

  it('without it is ended at once, as ever', async () => {
    const double = new PhosphoDouble();
    const { child, said, ended } = await startScript(
      `${staying('handleSignals: false')} console.log('ready');`,
      await double.serve(),
    );
    await said('ready');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(double.asked).toEqual([]);
  });
});

describe('where the app listens to the signal itself', () => {
  it.each(['on', 'once'])(
    'with process.%s, ending is the app’s, and delivery goes on',
    async (on) => {
      const double = new PhosphoDouble();
      const { child, said, ended } = await startScript(
        `${staying()}
      process.${on}('SIGTERM', () => {
        console.log('asked to end');
        process.stdin.once('data', async () => {
          phospho.log({ input: 'x', taskId: 'late' });
          await phospho.shutdown();
          process.exit(7);
        });
      });
      console.log('ready');`,
        await double.serve(),
      );
      await said('ready');
      child.kill('SIGTERM');
      await said('asked to end');
      await double.arrived(1);
      child.stdin?.write('go\n');
      expect(await ended).toMatchObject({ code: 7, signal: null });
      expect(double.stored.size).toBe(51);
    },
  );

  it('a second signal that it no longer listens to ends the process at once', async () => {
    const double = new PhosphoDouble();
    double.behave = () => 'hang';
    const { child, said, ended } = await startScript(
      `${staying()}
      process.once('SIGTERM', () => console.log('asked to end'));
      console.log('ready');`,
      await double.serve(),
    );
    await said('ready');
    child.kill('SIGTERM');
    await said('asked to end');
    await double.arrived(1);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  // As the package signal-exit does, which ends nothing as long as somebody else listens.
  it('only to look on, the process ends all the same', async () => {
    const double = new PhosphoDouble();
    const { child, said, ended } = await startScript(
      `${staying()}
      const emitter = { count: 1 };
      globalThis[Symbol.for('signal-exit emitter')] = emitter;
      const onSignal = (signal) => {
        if (process.listeners(signal).length > emitter.count) return;
        process.off(signal, onSignal);
        console.log('looked on');
        process.kill(process.pid, signal);
      };
      process.on('SIGTERM', onSignal);
      console.log('ready');`,
      await double.serve(),
    );
    await said('ready');
    child.kill('SIGTERM');
    const { signal, out } = await ended;
    expect({ signal, out }).toMatchObject({ signal: 'SIGTERM' });
    expect(out).toContain('looked on');
    expect(double.stored.size).toBe(50);
  });
});

/** A server with one answer that waits for a line on standard input. */
const streaming = (options: string, onSignal: string) => `
  const phospho = new Phospho({ ${options} });
  const app = express();
  app.use(phospho.middleware());
  app.get('/chat', (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write('data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Rain"}}]}\\n\\n');
    process.stdin.once('data', () => { res.end(); process.stdin.destroy(); });
  });
  const server = app.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port + '.'));
  ${onSignal}`;

async function streamFrom(out: string): Promise<IncomingMessage> {
  const port = Number(/port (\d+)\./.exec(out)?.[1]);
  const [response] = await once(
    get({ port, host: '127.0.0.1', path: '/chat?prompt=x' }),
    'response',
  );
  return response;
}

describe('gracefulShutdown() at a signal', () => {
  it.each(['handleSignals: false', 'handleSignals: true'])(
    'with %s delivers the stream under way, and the process ends by itself',
    async (options) => {
      const double = new PhosphoDouble();
      const { child, said, ended, output } = await startScript(
        streaming(
          options,
          `for (const signal of ['SIGINT', 'SIGTERM']) {
            process.once(signal, () => {
              console.log('asked to end');
              phospho.gracefulShutdown(server);
            });
          }`,
        ),
        await double.serve(),
      );
      await said('.');
      const response = await streamFrom(output());
      child.kill('SIGTERM');
      await said('asked to end');
      child.stdin?.write('go\n');
      response.resume();
      expect(await ended).toMatchObject({ code: 0, signal: null });
      expect([...double.stored.values()]).toMatchObject([
        { output: 'Rain', metadata: { outcome: 'complete' } },
      ]);
    },
  );

  it('and handleSignals: one that comes while it runs waits for it', async () => {
    const double = new PhosphoDouble();
    const { child, said, ended, output } = await startScript(
      streaming(
        'handleSignals: true',
        `process.on('SIGUSR2', () => { phospho.gracefulShutdown(server); console.log('closing'); });`,
      ),
      await double.serve(),
    );
    await said('.');
    const response = await streamFrom(output());
    child.kill('SIGUSR2');
    await said('closing');
    child.kill('SIGTERM');
    child.stdin?.write('go\n');
    response.resume();
    expect(await ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(double.stored.size).toBe(1);
  });
});
