import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Run } from '../helpers/cli.ts';

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'phospho-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function collector(database: string, ...args: string[]): Run {
  return new Run(['collector', '--port', '0', '--database', `sqlite:${database}`, ...args]);
}

const statusWith = async (run: Run, key: string): Promise<number> => {
  const url = `${run.exported('PHOSPHO_BASE_URL')}/projects/demo`;
  return (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status;
};

test('prints a new key once, keeps it over a restart, and replaces it with --new-key', async () => {
  const database = join(scratch(), 'phospho.db');
  const first = await collector(database).ready();
  const key = first.exported('PHOSPHO_API_KEY');
  expect(key).toMatch(/^phk_[\w-]{43}$/);
  expect(first.out.split(key)).toHaveLength(2);
  expect(await statusWith(first, key)).toBe(200);
  first.child.kill('SIGTERM');
  expect(await first.done).toBe(0);

  const second = await collector(database).ready();
  expect(second.out).not.toContain('phk_');
  expect(second.out).toContain('--new-key');
  expect(await statusWith(second, key)).toBe(200);
  second.child.kill('SIGINT');
  expect(await second.done).toBe(0);

  const third = await collector(database, '--new-key').ready();
  const renewed = third.exported('PHOSPHO_API_KEY');
  expect(renewed).not.toBe(key);
  expect(await statusWith(third, renewed)).toBe(200);
  expect(await statusWith(third, key)).toBe(401);
});

test('takes its options from the environment and does not print a given key', async () => {
  const run = await new Run(['collector'], {
    PHOSPHO_COLLECTOR_PORT: '0',
    PHOSPHO_COLLECTOR_HOST: 'localhost',
    PHOSPHO_COLLECTOR_DATABASE: 'sqlite::memory:',
    PHOSPHO_COLLECTOR_PROJECT: 'shop',
    PHOSPHO_COLLECTOR_API_KEY: 'a-key-from-the-environment',
  }).ready();
  expect(run.exported('PHOSPHO_PROJECT_ID')).toBe('shop');
  expect(run.exported('PHOSPHO_BASE_URL')).toMatch(/^http:\/\/localhost:\d+\/v2$/);
  expect(run.out + run.err).not.toContain('a-key-from-the-environment');
  expect(run.err).not.toContain('Warning');
});

test('says where its data is, whatever the path is relative to', async () => {
  const directory = scratch();
  const run = await collector(relative(process.cwd(), join(directory, 'phospho.db'))).ready();
  expect(run.out).toContain(`\nIts data is in ${join(directory, 'phospho.db')}\n`);
  expect((await collector(':memory:').ready()).out).toContain('gone when the collector ends');
});

test('a base URL without /v2 is told so', async () => {
  const run = await collector(':memory:').ready();
  const answer = await fetch(run.exported('PHOSPHO_BASE_URL').replace(/v2$/, 'log/demo'), {
    method: 'POST',
  });
  expect(answer.status).toBe(404);
  expect(await answer.json()).toEqual({
    detail: 'No such route: POST /log/demo. The API is below /v2, which PHOSPHO_BASE_URL ends with',
  });
});

test('warns of a key on the command line', async () => {
  const run = await collector(':memory:', '--api-key', 'a-key-that-others-see').ready();
  expect(run.err).toMatch(/every user of this machine.*PHOSPHO_COLLECTOR_API_KEY/);
  expect(await statusWith(run, 'a-key-that-others-see')).toBe(200);
});

test.each(['admin', 'dashboard', 'metrics'])(
  'warns of the %s token on the command line, and does not repeat it there',
  async (kind) => {
    const run = await collector(':memory:', `--${kind}-token`, 'a-token-that-others-see').ready();
    expect(run.err).toMatch(
      new RegExp(`every user of this machine.*PHOSPHO_COLLECTOR_${kind.toUpperCase()}_TOKEN`),
    );
    expect(run.err).not.toContain('a-token-that-others-see');
  },
);

test.each(['postgres://me:word@127.0.0.1:1/x', 'postgres://me@127.0.0.1:1/x?password=word'])(
  'warns of the password in %s',
  async (url) => {
    const run = new Run(['collector', '--database', url, '--port', '0']);
    expect(await run.done).not.toBe(0);
    expect(run.err).toMatch(/a password in --database.*PHOSPHO_COLLECTOR_DATABASE/);
  },
);

test('several processes open one new database at the same time and share its key', async () => {
  const database = join(scratch(), 'phospho.db');
  const key = 'one-key-for-all-of-them';
  const runs = await Promise.all(
    [1, 2, 3].map(() => collector(database, '--api-key', key).ready()),
  );
  for (const run of runs) expect(await statusWith(run, key)).toBe(200);
});

test('an acknowledged event survives SIGKILL', async () => {
  const database = join(scratch(), 'phospho.db');
  const key = 'a-key-for-both-processes';
  const first = await collector(database, '--api-key', key).ready();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const logged = await fetch(`${first.exported('PHOSPHO_BASE_URL')}/log/demo`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ batched_log_events: [{ task_id: 't', input: 'x' }] }),
  });
  expect(logged.status).toBe(200);
  first.child.kill('SIGKILL');
  await first.done;
  const second = await collector(database, '--api-key', key).ready();
  const task = await fetch(`${second.exported('PHOSPHO_BASE_URL')}/tasks/t`, { headers });
  expect(task.status).toBe(200);
});

test('acknowledged spans survive SIGKILL, and become a task in the next process', async () => {
  const database = join(scratch(), 'phospho.db');
  const key = 'a-key-for-both-processes';
  const first = await collector(database, '--api-key', key).ready();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const stringValue = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const span = {
    ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'chat gpt-4o', kind: 3 },
    ...{ startTimeUnixNano: '1790000000000000000', endTimeUnixNano: '1790000001000000000' },
    attributes: [
      stringValue('gen_ai.operation.name', 'chat'),
      stringValue('gen_ai.request.model', 'gpt-4o'),
    ],
  };
  const sent = await fetch(new URL('/v1/traces', first.exported('PHOSPHO_BASE_URL')), {
    method: 'POST',
    headers,
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
  expect(sent.status).toBe(200);
  first.child.kill('SIGKILL');
  await first.done;
  const second = await collector(database, '--api-key', key).ready();
  const tasks = () =>
    fetch(`${second.exported('PHOSPHO_BASE_URL')}/projects/demo/tasks`, { headers });
  await vi.waitFor(
    async () =>
      expect((await (await tasks()).json()).tasks).toMatchObject([
        { metadata: { model: 'gpt-4o' } },
      ]),
    { timeout: 20_000, interval: 50 },
  );
});

test('waits for a request under way after SIGTERM, and quits at once at the second', async () => {
  const key = 'a-key-for-the-upload';
  const run = await collector(':memory:', '--api-key', key).ready();
  const port = Number(new URL(run.exported('PHOSPHO_BASE_URL')).port);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  // The server says 100 once it has the headers; the body never comes.
  socket.write(
    `POST /v2/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n',
  );
  await once(socket, 'data');
  run.child.kill('SIGTERM');
  while (!run.out.includes('Closing.')) await once(run.child.stdout ?? socket, 'data');
  run.child.kill('SIGTERM');
  expect(await run.done).toBe(143);
});

describe('says in one line what is wrong, without a stack:', () => {
  test('a port in use, and leaves the key as it is', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as { port: number };
    const database = join(scratch(), 'phospho.db');
    const run = collector(database, '--port', String(port));
    expect(await run.done).toBe(1);
    expect(run.err).toMatch(/^phospho-express: port \d+ of 127.0.0.1 is in use.*\n$/m);
    const next = await collector(database).ready();
    expect(next.exported('PHOSPHO_API_KEY')).toMatch(/^phk_/);
  });

  test('a wrong option, and where to read on', async () => {
    const run = new Run(['collector', 'keys', 'create', '--grace', '3']);
    expect(await run.done).toBe(2);
    expect(run.err).toBe("error: unknown option '--grace'\n(--help lists what there is)\n");
  });

  test.each<[string, string[], number, RegExp]>([
    [
      'a port out of range',
      ['--port', '70000'],
      2,
      /^phospho-express: port takes .*70000 came.*\n$/m,
    ],
    [
      'a port that is no number',
      ['--port', 'http'],
      2,
      /^phospho-express: port takes .*"http" came/m,
    ],
    ['an empty port', ['--port', ''], 2, /^phospho-express: port takes/m],
    [
      'another database',
      ['--database', 'mysql://u:secret@h/d'],
      2,
      /^(?!.*secret).*database takes/,
    ],
    [
      'a PostgreSQL that is not there',
      ['--database', 'postgres://u:secret@127.0.0.1:1/d'],
      2,
      /^(?!.*(?:secret|u:)).*cannot open the database postgres:\/\/127\.0\.0\.1:1\/d: .*ECONNREFUSED/s,
    ],
    ['a path that cannot be written', ['--database', 'sqlite:/no/such/dir/x.db'], 2, /cannot open/],
    ['a project with a slash', ['--project', 'a/b'], 2, /project takes/],
    ['a short key', ['--api-key', 'short'], 2, /apiKey takes .*5 characters came/],
    ['an unknown option', ['--prot', '1'], 2, /unknown option '--prot'/],
    [
      'a new key beside a given one',
      ['--port', '0', '--database', 'sqlite::memory:', '--api-key', 'k'.repeat(20), '--new-key'],
      2,
      /--new-key/,
    ],
  ])('%s', async (_name, args, code, message) => {
    const run = new Run(['collector', ...args]);
    expect(await run.done).toBe(code);
    expect(run.err).toMatch(message);
    expect(run.err).not.toMatch(/^\s+at /m);
  });
});

test.each([
  [['--version'], /^\d+\.\d+\.\d+\n$/],
  [['--help'], /collector/],
  [['collector', '--help'], /PHOSPHO_COLLECTOR_DATABASE/],
])('%j answers and ends with 0', async (args, output) => {
  const run = new Run(args);
  expect(await run.done).toBe(0);
  expect(run.out).toMatch(output);
});
