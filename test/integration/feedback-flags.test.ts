import type { DropInfo } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import { describe, expect, it, vi } from 'vitest';
import { expectBalanced, logTasks, phosphoFor, SECRET } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

async function setUp(options: Parameters<typeof phosphoFor>[0] = {}) {
  const double = new PhosphoDouble();
  const drops: DropInfo[] = [];
  const phospho = phosphoFor({
    baseUrl: await double.serve(),
    onDrop: (info) => {
      drops.push(info);
      expectBalanced(phospho.stats());
    },
    ...options,
  });
  double.onAsked = () => expectBalanced(phospho.stats());
  return { double, phospho, drops };
}

describe('phospho.flag()', () => {
  it('reaches the server with source, notes and project', async () => {
    const { double, phospho } = await setUp();
    phospho.flag('a/b ü', 'failure', { notes: 'wrong', source: 'owner' });
    const { flags } = await phospho.flush();
    expect(double.flags).toEqual([
      { taskId: 'a/b ü', flag: 'failure', source: 'owner', notes: 'wrong', project_id: 'p' },
    ]);
    expect(double.asked[0]?.path).toBe('/v2/tasks/a%2Fb%20%C3%BC/flag');
    expect(flags).toMatchObject({ captured: 1, delivered: 1 });
  });

  it('is held until the server has accepted its task', async () => {
    const { double, phospho } = await setUp();
    double.script = [{ status: 500 }];
    vi.spyOn(Math, 'random').mockReturnValue(0.1);
    logTasks(phospho, 3);
    phospho.flag('t1', 'success');
    let wasStored: boolean | undefined;
    double.onAsked = ({ path }) => {
      if (path.includes('/flag')) wasStored = double.stored.has('t1');
      else if (!double.stored.has('t1')) expect(phospho.stats().flags.held).toBe(1);
    };
    expect(phospho.stats().flags.held).toBe(1);
    const { flags } = await phospho.flush();
    vi.restoreAllMocks();
    expect(wasStored).toBe(true);
    expect(flags).toMatchObject({ held: 0, delivered: 1 });
  });

  it('the last one wins, and those before are counted as superseded', async () => {
    const { double, phospho, drops } = await setUp();
    logTasks(phospho, 1);
    for (const flag of ['success', 'failure', 'success', 'failure'] as const) {
      phospho.flag('t0', flag);
    }
    const { flags } = await phospho.flush();
    expect(double.flags).toMatchObject([{ flag: 'failure' }]);
    expect(flags).toMatchObject({ captured: 4, delivered: 1, dropped: { superseded: 3 } });
    expect(drops).toEqual([]);
  });

  it('equal repeats make one upstream call; a change of mind makes another', async () => {
    const { double, phospho } = await setUp();
    for (const flag of ['success', 'success', 'failure', 'failure', 'success'] as const) {
      phospho.flag('elsewhere', flag);
      await phospho.flush();
    }
    expect(double.flags.map(({ flag }) => flag)).toEqual(['success', 'failure', 'success']);
    expect(phospho.stats().flags.dropped).toEqual({ duplicate: 2 });
  });

  it('a flag that the server has had before is sent again once another may have come between', async () => {
    const { double, phospho } = await setUp();
    phospho.flag('t', 'success');
    await phospho.flush();
    double.script = ['stored, then reset'];
    phospho.flag('t', 'failure');
    await double.arrived(2);
    phospho.flag('t', 'success');
    vi.spyOn(Math, 'random').mockReturnValue(0.1);
    const { flags } = await phospho.flush();
    vi.restoreAllMocks();
    expect(double.flags.map(({ flag }) => flag)).toEqual(['success', 'failure', 'success']);
    expect(flags).toMatchObject({ captured: 3, delivered: 2, dropped: { superseded: 1 } });
  });

  it('two flags of one task never overtake each other', async () => {
    const { double, phospho } = await setUp();
    let under = 0;
    let most = 0;
    double.onAsked = () => {
      under = double.asked.length - double.flags.length;
      most = Math.max(most, under);
    };
    double.script = ['ok', 'reset'];
    vi.spyOn(Math, 'random').mockReturnValue(0.1);
    phospho.flag('t', 'success');
    await double.arrived(1);
    phospho.flag('t', 'failure');
    phospho.flag('t', 'success', { notes: 'after all' });
    await phospho.flush();
    vi.restoreAllMocks();
    expect(double.flags.at(-1)).toMatchObject({ flag: 'success', notes: 'after all' });
  });

  it('of a task that the server refused is dead-lettered, with the reason', async () => {
    const { double, phospho, drops } = await setUp();
    double.errorInLog = () => 'no';
    logTasks(phospho, 1);
    phospho.flag('t0', 'success');
    const { flags } = await phospho.flush();
    expect(double.flags).toEqual([]);
    expect(flags).toMatchObject({ captured: 1, deadLettered: 1 });
    expect(drops).toContainEqual({
      kind: 'flag',
      reason: 'task_lost',
      count: 1,
      taskIds: ['t0'],
      message: 'its task was not delivered',
    });
    phospho.flag('t0', 'failure');
    expect(phospho.stats().flags).toMatchObject({ captured: 2, deadLettered: 2 });
  });

  it.each([
    ['404: the server has waited for the task in vain', { status: 404 }],
    ['400', { status: 400 }],
    ['422', { status: 422 }],
  ])('refused by %s is dead-lettered, and others go on', async (_, behaviour) => {
    const { double, phospho, drops } = await setUp();
    double.script = [behaviour];
    phospho.flag('bad', 'success');
    phospho.flag('good', 'success');
    const { flags } = await phospho.flush();
    expect(flags).toMatchObject({ delivered: 1, deadLettered: 1, queued: 0 });
    expect(drops).toMatchObject([{ kind: 'flag', reason: 'refused' }]);
  });

  it.each(['.', '..', '\ud800'])(
    'of the task id %j, which no path can hold, is refused at once',
    async (taskId) => {
      const { double, phospho, drops } = await setUp();
      phospho.flag(taskId, 'success');
      phospho.flag('good', 'success');
      const { flags } = await phospho.flush({ timeoutMs: 2_000 });
      expect(flags).toMatchObject({ delivered: 1, deadLettered: 1, queued: 0 });
      expect(double.flags).toHaveLength(1);
      expect(drops).toMatchObject([{ reason: 'refused', taskIds: [taskId] }]);
    },
  );

  it.each([
    ['503', { status: 503 }],
    ['a reset', 'reset'],
    ['429', { status: 429 }],
  ] as const)('is sent again after %s', async (_, behaviour) => {
    const { double, phospho } = await setUp();
    double.script = [behaviour];
    vi.spyOn(Math, 'random').mockReturnValue(0.1);
    phospho.flag('t', 'success');
    const { flags } = await phospho.flush();
    vi.restoreAllMocks();
    expect(double.asked).toHaveLength(2);
    expect(flags).toMatchObject({ delivered: 1, queued: 0 });
  });

  it('given again for a task logged only after the first try failed is counted and sent', async () => {
    const { double, phospho } = await setUp();
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    double.behave = ({ path }) =>
      path.includes('flag') && double.asked.length < 2 ? 'reset' : undefined;
    phospho.flag('t0', 'success');
    await double.arrived(1);
    logTasks(phospho, 1);
    phospho.flag('t0', 'success');
    const { flags } = await phospho.flush();
    vi.restoreAllMocks();
    expect(flags).toMatchObject({ captured: 2, delivered: 1, dropped: { superseded: 1 } });
    expect(flags.queued).toBe(0);
  });

  it('beyond the bound the oldest goes, and is counted', async () => {
    const { double, phospho, drops } = await setUp({ delivery: { maxQueueEvents: 10 } });
    double.behave = () => 'hang';
    for (let n = 0; n < 20; n++) phospho.flag(`e${n}`, 'success');
    const { flags } = phospho.stats();
    expectBalanced(phospho.stats());
    expect(flags).toMatchObject({ captured: 20, inFlight: 2, queued: 10 });
    expect(flags.dropped).toEqual({ queue_full: 8 });
    expect(drops.flatMap(({ taskIds }) => taskIds)).toEqual([
      'e2',
      'e3',
      'e4',
      'e5',
      'e6',
      'e7',
      'e8',
      'e9',
    ]);
  });

  it('beyond the bound the oldest goes, and not one that was given just now and is held', async () => {
    const { double, phospho, drops } = await setUp({ delivery: { maxQueueEvents: 10 } });
    double.behave = () => 'hang';
    for (let n = 0; n < 12; n++) phospho.flag(`e${n}`, 'success');
    logTasks(phospho, 1);
    phospho.flag('t0', 'success');
    expect(phospho.stats().flags).toMatchObject({ held: 1, queued: 9, dropped: { queue_full: 1 } });
    expect(drops).toMatchObject([{ reason: 'queue_full', taskIds: ['e2'] }]);
  });

  it('throws for what is not a flag, since that is a mistake of the code that calls', () => {
    const phospho = phosphoFor({ exporter: new InMemoryExporter() });
    expect(() => phospho.flag('t', 'good' as 'success')).toThrow(
      '"success" or "failure", got "good"',
    );
    expect(() => phospho.flag('', 'success')).toThrow('taskId');
  });
});

describe('feedback tokens of a Phospho', () => {
  const options = { exporter: new InMemoryExporter() };
  const check = async (phospho: ReturnType<typeof phosphoFor>, token: string) => {
    const { default: request } = await import('supertest');
    const { default: express } = await import('express');
    const app = express().use(phospho.router());
    return (await request(app).post('/phospho/flag').send({ token, flag: 'success' })).status;
  };

  it('of one replica are taken by another with the same secret, and by none with another', async () => {
    const [a, b] = [SECRET, SECRET].map((secret) =>
      phosphoFor({ ...options, feedback: { secret } }),
    );
    const c = phosphoFor({ ...options, feedback: { secret: `${SECRET}!` } });
    const token = a?.feedbackToken('täsk-✓') ?? '';
    expect(await check(b as typeof c, token)).toBe(202);
    expect(await check(c, token)).toBe(401);
  });

  it('of the old secret are taken during a rotation', async () => {
    const old = phosphoFor({ ...options, feedback: { secret: SECRET } });
    const rotated = phosphoFor({ ...options, feedback: { secret: ['x'.repeat(32), SECRET] } });
    expect(await check(rotated, old.feedbackToken('t'))).toBe(202);
    expect(await check(old, rotated.feedbackToken('t'))).toBe(401);
  });

  it('come from a long API key where no secret is given, and are random for a short one', async () => {
    const warn = vi.fn();
    const logger = { debug() {}, info() {}, warn, error: warn };
    const [a, b] = [1, 2].map(() => phosphoFor({ ...options, logger }));
    expect(await check(b as never, a?.feedbackToken('t') ?? '')).toBe(202);
    expect(warn).not.toHaveBeenCalled();
    const [c, d] = [1, 2].map(() => phosphoFor({ ...options, logger, apiKey: 'short' }));
    const token = c?.feedbackToken('t') ?? '';
    expect(await check(c as never, token)).toBe(202);
    expect(await check(d as never, token)).toBe(401);
    expect(warn.mock.calls.filter(([text]) => `${text}`.includes('random secret'))).toHaveLength(2);
  });

  it('of the longest id, in any script, pass the route', async () => {
    const phospho = phosphoFor({ ...options, feedback: { secret: SECRET } });
    expect(await check(phospho, phospho.feedbackToken('語'.repeat(512)))).toBe(202);
  });

  it('refuse a life that is no life', () => {
    const phospho = phosphoFor({ ...options, feedback: { secret: SECRET } });
    for (const expiresInMs of [0, -1, 999, Number.NaN, Number.POSITIVE_INFINITY, 1e15]) {
      expect(() => phospho.feedbackToken('t', { expiresInMs })).toThrow('expiresInMs');
    }
  });
});
