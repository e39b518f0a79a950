import { describe, expect, it } from 'vitest';
import { startScript } from '../helpers/child.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

/** Well below what would hold a process: idle sockets are kept for 4 s, a flush takes up to 30 s. */
const AT_ONCE_MS = 2_000;

const once = `phospho.log({ input: 'x' }); phospho.flag('elsewhere', 'success');`;

describe('a process that has nothing to do ends at once', () => {
  it.each<[string, string, number]>([
    ['when all is constructed', 'phospho.middleware(); phospho.router();', 0],
    ['when it handles signals', 'new Phospho({ handleSignals: true });', 0],
    ['after a flush() of nothing', 'await phospho.flush();', 0],
    ['after a shutdown() of nothing', 'await phospho.shutdown();', 0],
    ['after a delivery, though sockets are kept alive', `${once} await phospho.flush();`, 1],
    ['after a delivery and a shutdown()', `${once} await phospho.shutdown();`, 1],
    [
      'after a delivery that was announced to waitUntil',
      `let promise;
      const announcing = new Phospho({ waitUntil: (given) => { promise ??= given; } });
      announcing.log({ input: 'x' });
      await promise;`,
      1,
    ],
    [
      'after gracefulShutdown() of a server whose client keeps its connection',
      `const app = express();
      app.use(phospho.middleware());
      app.get('/chat', (req, res) => res.type('text/event-stream').end('data: Rain\\n\\n'));
      const server = app.listen(0);
      server.keepAliveTimeout = 60_000;
      await new Promise((resolve) => server.once('listening', resolve));
      const response = await fetch('http://127.0.0.1:' + server.address().port + '/chat?prompt=x');
      await response.text();
      await phospho.gracefulShutdown(server);`,
      1,
    ],
  ])('%s', async (_when, code, delivered) => {
    const double = new PhosphoDouble();
    const { ended } = await startScript(
      `const phospho = new Phospho(); ${code} process.stdout.write('done');`,
      await double.serve(),
    );
    const { afterMs, ...result } = await ended;
    expect(result).toEqual({ code: 0, signal: null, out: 'done' });
    expect(afterMs).toBeLessThan(AT_ONCE_MS);
    expect(double.stored.size).toBe(delivered);
  });
});
