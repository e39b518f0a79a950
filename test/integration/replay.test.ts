import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DeadLetters } from '../../src/delivery/dead-letters.ts';
import { Run } from '../helpers/cli.ts';
import { KEY, logTasks, phosphoFor } from '../helpers/ledger.ts';
import { type Asked, PhosphoDouble } from '../helpers/phospho-double.ts';
import { deadUrl } from './client-fixture.ts';
import { startCollector } from './collector-helpers.ts';

// Some start three processes, one after the other.
vi.setConfig({ testTimeout: 60_000 });

/** A spool directory, and what writes its dead letters as delivery does. */
function spool() {
  const dir = mkdtempSync(join(tmpdir(), 'phospho-replay-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const letters = new DeadLetters(dir, (error) => {
    throw error;
  });
  return {
    dir,
    path: letters.path,
    event: (taskId: string, message = 'input: expected string', input = `asked by ${taskId}`) => {
      const json = JSON.stringify({ task_id: taskId, input, output: 'answer' });
      letters.addEvent({ taskId, json, bytes: json.length, settledAt: 0, epoch: 0 }, message);
    },
    flag: (taskId: string, flag: 'success' | 'failure', notes?: string) =>
      letters.addFlag({ taskId, flag, source: 'user', notes }, 'task_lost', 'it was not delivered'),
    text: () => readFileSync(letters.path, 'utf8'),
    letters: () =>
      readFileSync(letters.path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    files: () => readdirSync(dir),
  };
}

async function serve() {
  const double = new PhosphoDouble();
  const baseUrl = await double.serve();
  return { double, baseUrl };
}

function replay(baseUrl: string, ...args: string[]): Run {
  const PHOSPHO_SPOOL_DIR = '';
  return new Run(['replay', ...args], {
    PHOSPHO_API_KEY: KEY,
    PHOSPHO_PROJECT_ID: 'demo',
    PHOSPHO_BASE_URL: baseUrl,
    PHOSPHO_SPOOL_DIR,
  });
}

async function ended(run: Run): Promise<{ code: number | null; last: string; err: string }> {
  const code = await run.done;
  return { code, last: run.out.trimEnd().split('\n').at(-1) ?? '', err: run.err };
}

const isLog = ({ path }: Asked): boolean => path.includes('/log/');

test('what an app could not deliver arrives once the server takes it, and the file is gone', async () => {
  const { dir, path } = spool();
  const { double, baseUrl } = await serve();
  double.errorInLog = () => 'input: too strange';
  const phospho = phosphoFor({ baseUrl, spool: { dir } });
  const ids = logTasks(phospho, 130);
  phospho.flag('t7', 'failure', { notes: 'wrong' });
  await phospho.shutdown();
  expect(existsSync(path)).toBe(true);

  const { collector, get } = await startCollector();
  await collector.listen();
  const run = new Run(['replay'], {
    PHOSPHO_API_KEY: collector.apiKey ?? '',
    PHOSPHO_PROJECT_ID: 'demo',
    PHOSPHO_BASE_URL: collector.baseUrl,
    PHOSPHO_SPOOL_DIR: dir,
  });
  const { code, last, err } = await ended(run);
  expect(last).toBe('replayed 131 of 130 event(s) and 1 flag(s)');
  expect(code).toBe(0);
  expect(err).toContain('131 of 131 answered');
  expect(readdirSync(dir)).toEqual([]);
  for (const id of [ids[0], ids[129]]) await get(`/tasks/${id}`).expect(200);
  const { body } = await get('/tasks/t7').expect(200);
  expect(body).toMatchObject({ flag: 'failure', notes: 'wrong', input: 'question 7' });
});

test('what is refused again stays, with the new message and the old time; the rest arrives', async () => {
  const { dir, event, letters } = spool();
  for (let i = 0; i < 20; i++) event(`t${i}`, 'the first message');
  const before = letters();
  const { double, baseUrl } = await serve();
  double.errorInLog = ({ task_id }) => (task_id === 't3' ? 'the second message' : undefined);
  double.behave = ({ ids }) =>
    ids.includes('t11') ? { status: 422, body: '{"detail":"a bad event"}' } : undefined;
  const { code, last } = await ended(replay(baseUrl, '--dir', dir));
  expect(code).toBe(1);
  expect(last).toMatch(/^replayed 18 of 20 event.*left in .*dead-letters\.jsonl: 2 refused again$/);
  expect([...double.stored.keys()]).toHaveLength(18);
  const left = letters();
  expect(left.map(({ task_id }) => task_id)).toEqual(['t3', 't11']);
  expect(left[0]).toEqual({ ...before[3], message: 'the second message' });
  expect(left[1]).toEqual({ ...before[11], message: expect.stringContaining('a bad event') });
});

describe('what cannot be sent stays byte for byte', () => {
  test('where no server answers', async () => {
    const { dir, event, flag, text } = spool();
    event('t1');
    flag('t2', 'success');
    const before = text();
    const { code, last, err } = await ended(replay(await deadUrl(), '--dir', dir));
    expect(code).toBe(1);
    expect(last).toMatch(/^replayed 0 of 1 event.* 2 not sent$/);
    expect(err).toMatch(/Not all could be sent: PhosphoConnectionError.*ECONNREFUSED/);
    expect(text()).toBe(before);
  });

  test('where the key is refused, after one request', async () => {
    const { dir, event, text, files } = spool();
    for (let i = 0; i < 250; i++) event(`t${i}`);
    const before = text();
    const { double, baseUrl } = await serve();
    double.behave = () => ({ status: 401 });
    expect(await ended(replay(baseUrl, '--dir', dir))).toMatchObject({
      code: 1,
      err: expect.stringContaining('PHOSPHO_API_KEY'),
    });
    expect(double.asked).toHaveLength(1);
    expect(text()).toBe(before);
    expect(files()).toHaveLength(1);
  });

  test('where the quota is used up', async () => {
    const { dir, event, text } = spool();
    event('t1');
    const before = text();
    const { double, baseUrl } = await serve();
    double.errorInLog = () => 'quota exceeded';
    expect((await ended(replay(baseUrl, '--dir', dir))).last).toMatch(/1 not sent$/);
    expect(text()).toBe(before);
  });

  test('after Ctrl-C, also what was under way', async () => {
    const { dir, event, letters, files } = spool();
    for (let i = 0; i < 150; i++) event(`t${i}`);
    const { double, baseUrl } = await serve();
    double.script = ['ok', 'hang'];
    const run = replay(baseUrl, '--dir', dir);
    await double.arrived(2);
    run.child.kill('SIGINT');
    const { code, last } = await ended(run);
    expect(code).toBe(1);
    expect(last).toMatch(/^replayed 100 of 150 .* 50 not sent$/);
    expect(letters().map(({ task_id }) => task_id)).toEqual(double.asked[1]?.ids);
    expect(files()).toEqual(['dead-letters.jsonl']);
  });
});

test('a server in trouble is asked again', async () => {
  const { dir, event, path } = spool();
  event('t1');
  const { double, baseUrl } = await serve();
  double.script = ['reset', { status: 503 }];
  expect((await ended(replay(baseUrl, '--dir', dir))).code).toBe(0);
  expect(double.stored.size).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test('--dry-run sends nothing, needs no key, and tells how many there are and why', async () => {
  const { dir, event, flag, path, text } = spool();
  for (let i = 0; i < 12; i++) event(`same${i}`, 'user_id:\n\u001b[31mexpected string');
  for (let i = 0; i < 11; i++) event(`other${i}`, `message ${i}`);
  flag('t1', 'success');
  appendFileSync(path, 'no letter\n{"at":"2020-01-01T00:00:00.000Z","kind":"event","ev');
  const before = text();
  const run = new Run(['replay', '--dry-run', '--dir', dir], { PHOSPHO_BASE_URL: await deadUrl() });
  const { code, last } = await ended(run);
  expect(code).toBe(0);
  expect(run.out).toMatch(/^12 event refused: user_id: \[31mexpected string$/m);
  expect(run.out).toMatch(/^1 event refused: message \d+$/m);
  expect(run.out).toContain('… and 3 other message(s)');
  expect(run.out).toMatch(/^oldest \d{4}-.*Z, newest \d{4}-.*Z$/m);
  expect(run.out).toContain('line 25 of dead-letters.jsonl is not JSON');
  expect(run.out).toContain('line 26 of dead-letters.jsonl is cut off');
  expect(last).toMatch(/^dry run: 23 event\(s\) and 1 flag\(s\) and 2 unreadable line\(s\) in /);
  expect(text()).toBe(before);
});

test('lines that cannot be read are told and kept, the letters around them arrive', async () => {
  const { dir, event, path, text } = spool();
  event('t1', 'bad', 'a line\u2028separator');
  const broken = [
    '{"kind":"event"',
    '[]',
    '{"kind":"event","event":{"input":"no id"}}',
    '{"kind":1}',
  ];
  appendFileSync(path, `${broken.join('\n')}\n\n`);
  event('t2');
  appendFileSync(path, '{"kind":"fl');
  const { double, baseUrl } = await serve();
  const { code, last, err } = await ended(replay(baseUrl, '--dir', dir));
  expect(code).toBe(1);
  expect(last).toMatch(/^replayed 2 of 2 event.* 5 unreadable$/);
  expect(err).toContain('line 2 of dead-letters.jsonl is not JSON');
  expect(err).toContain('line 8 of dead-letters.jsonl is cut off');
  expect(double.stored.get('t1')?.input).toBe('a line\u2028separator');
  expect(double.stored.has('t2')).toBe(true);
  expect(text()).toBe(`${[...broken, '{"kind":"fl'].join('\n')}\n`);
});

test('flags follow the events; the last one of a task wins; one whose event is refused again waits', async () => {
  const { dir, event, flag, letters } = spool();
  flag('t1', 'success');
  flag('t1', 'failure', 'after all');
  flag('t2', 'success');
  flag('t3', 'success');
  event('t1');
  event('t2');
  const { double, baseUrl } = await serve();
  double.errorInLog = ({ task_id }) => (task_id === 't2' ? 'still bad' : undefined);
  double.behave = ({ path }) => (path.includes('/t3/') ? { status: 404 } : undefined);
  const { code, last } = await ended(replay(baseUrl, '--dir', dir));
  expect(code).toBe(1);
  expect(last).toMatch(
    /^replayed 2 of 2 event\(s\) and 4 flag\(s\) \(and 1 replaced by a later flag\); left in .*: 2 refused again, 1 not sent$/,
  );
  expect(double.flags).toMatchObject([{ taskId: 't1', flag: 'failure', notes: 'after all' }]);
  expect(isLog(double.asked[0] as Asked)).toBe(true);
  expect(letters().map(({ kind, task_id }) => `${kind} ${task_id}`)).toEqual([
    'flag t2',
    'flag t3',
    'event t2',
  ]);
});

test('letters that the app writes meanwhile stay for the next replay', async () => {
  const { dir, event, letters, path } = spool();
  event('old');
  event('bad');
  const { double, baseUrl } = await serve();
  double.errorInLog = ({ task_id }) => (task_id === 'bad' ? 'still bad' : undefined);
  double.onAsked = ({ ids }) => {
    if (ids.includes('old')) event('new');
  };
  expect((await ended(replay(baseUrl, '--dir', dir))).code).toBe(1);
  expect(letters().map(({ task_id }) => task_id)).toEqual(['new', 'bad']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  double.errorInLog = () => undefined;
  expect((await ended(replay(baseUrl, '--dir', dir))).code).toBe(0);
  expect([...double.stored.keys()].sort()).toEqual(['bad', 'new', 'old']);
});

test('two replays at once do not send the same letters', async () => {
  const { dir, event, files } = spool();
  event('t1');
  const { double, baseUrl } = await serve();
  double.script = ['hang'];
  const first = replay(baseUrl, '--dir', dir);
  await double.arrived(1);
  event('t2');
  const second = await ended(replay(baseUrl, '--dir', dir));
  expect(second.err).toContain(`process ${first.child.pid} is replaying`);
  expect(second).toMatchObject({ code: 1, last: 'replayed 1 of 1 event(s) and 0 flag(s)' });
  expect([...double.stored.keys()]).toEqual(['t2']);
  first.child.kill('SIGTERM');
  expect((await ended(first)).code).toBe(1);
  expect(files()).toEqual(['dead-letters.jsonl']);
});

test.each([
  ['--dir', ''],
  ['--file', 'dead-letters.jsonl'],
])(
  'letters of a replay that was killed are sent by the next, found by %s',
  async (option, name) => {
    const { dir, event, files, path } = spool();
    event('t1');
    const { double, baseUrl } = await serve();
    double.script = ['hang'];
    const first = replay(baseUrl, '--dir', dir);
    await double.arrived(1);
    first.child.kill('SIGKILL');
    await first.done;
    expect(existsSync(path)).toBe(false);
    const next = await ended(replay(baseUrl, option, join(dir, name)));
    expect(next).toMatchObject({ code: 0, last: 'replayed 1 of 1 event(s) and 0 flag(s)' });
    expect([...double.stored.keys()]).toEqual(['t1']);
    expect(files()).toEqual([]);
  },
);

test('a letter that a writer was late with is kept', async () => {
  const { dir, event, path, letters } = spool();
  event('t1');
  const line = readFileSync(path, 'utf8').replaceAll('t1', 'late');
  const fd = openSync(path, 'a');
  const { double, baseUrl } = await serve();
  // The file has another name by now, and this writer does not know.
  double.onAsked = () => void writeSync(fd, line);
  expect((await ended(replay(baseUrl, '--dir', dir))).last).toMatch(/^replayed 1 of 1 event/);
  closeSync(fd);
  expect(letters().map(({ task_id }) => task_id)).toEqual(['late']);
});

test('what cannot be put back stays in the claimed file, and the next replay finds it', async () => {
  const { dir, event, path, files } = spool();
  event('t1');
  const { double, baseUrl } = await serve();
  double.script = [{ status: 401 }];
  double.onAsked = () => mkdirSync(path);
  const { code, err } = await ended(replay(baseUrl, '--dir', dir));
  expect(code).toBe(1);
  expect(err).toMatch(/^phospho-express: could not put back .*jsonl\.replay-\S+, where the next/m);
  rmdirSync(path);
  double.onAsked = () => {};
  expect((await ended(replay(baseUrl, '--dir', dir))).code).toBe(0);
  expect([...double.stored.keys()]).toEqual(['t1']);
  expect(files()).toEqual([]);
});

test('a replay on another machine is left alone until it has been silent for 10 minutes', async () => {
  const { dir, event, path, files } = spool();
  event('t1');
  const theirs = `${path}.replay-0123456789ab-1-1-0`;
  renameSync(path, theirs);
  const { double, baseUrl } = await serve();
  const first = await ended(replay(baseUrl, '--dir', dir));
  expect(first.code).toBe(1);
  expect(first.err).toContain('on another machine or in another container');
  expect(double.asked).toEqual([]);
  const longAgo = new Date(Date.now() - 601_000);
  utimesSync(theirs, longAgo, longAgo);
  expect((await ended(replay(baseUrl, '--dir', dir))).code).toBe(0);
  expect([...double.stored.keys()]).toEqual(['t1']);
  expect(files()).toEqual([]);
});

test('an id that died twice is never twice in one batch', async () => {
  const { dir, event } = spool();
  for (const id of ['t1', 't2', 't1']) event(id);
  const { double, baseUrl } = await serve();
  expect((await ended(replay(baseUrl, '--dir', dir))).code).toBe(0);
  expect(double.batches).toEqual([['t1', 't2'], ['t1']]);
});

test('without dead letters there is nothing to do', async () => {
  const { dir } = spool();
  const { code, last } = await ended(replay(await deadUrl(), '--dir', dir));
  expect({ code, last }).toEqual({ code: 0, last: 'replayed 0 of 0 event(s) and 0 flag(s)' });
});

describe('wrong usage ends with 2, and touches nothing:', () => {
  test.each<[string, string[], Record<string, string>, RegExp]>([
    ['no directory', [], {}, /PHOSPHO_SPOOL_DIR.*--dir.*--file/],
    ['both', ['--dir', '.', '--file', 'x'], {}, /--file and --dir exclude/],
    ['no such directory', ['--dir', '/no/such/dir'], {}, /--dir .*none at \/no\/such\/dir/],
    ['no such file', ['--file', '/no/such/file'], {}, /--file .*none at \/no\/such\/file/],
    ['a key by argument', ['--api-key', 'x'], {}, /unknown option '--api-key'/],
    ['no key', ['--dir', 'DIR'], { PHOSPHO_API_KEY: '' }, /No API key: .*PHOSPHO_API_KEY/],
    ['no project', ['--dir', 'DIR'], { PHOSPHO_PROJECT_ID: '' }, /No project: /],
    ['plain http', ['--dir', 'DIR'], { PHOSPHO_BASE_URL: 'http://example.com' }, /not encrypted/],
  ])('%s', async (_name, args, environment, message) => {
    const { dir, event, text, files } = spool();
    event('t1');
    const before = text();
    const run = new Run(['replay', ...args.map((arg) => (arg === 'DIR' ? dir : arg))], {
      PHOSPHO_API_KEY: KEY,
      PHOSPHO_PROJECT_ID: 'demo',
      PHOSPHO_SPOOL_DIR: '',
      ...environment,
    });
    expect(await run.done).toBe(2);
    expect(run.err).toMatch(message);
    expect(run.err).not.toMatch(/^\s+at /m);
    expect(files()).toEqual(['dead-letters.jsonl']);
    expect(text()).toBe(before);
  });
});

test('--help names the variables and the exit codes', async () => {
  const run = new Run(['replay', '--help']);
  expect(await run.done).toBe(0);
  expect(run.out).toMatch(/--dry-run[\s\S]*PHOSPHO_SPOOL_DIR[\s\S]*Exit codes: 0/);
});
