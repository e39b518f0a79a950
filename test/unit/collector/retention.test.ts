import { expect, onTestFinished, test, vi } from 'vitest';
import { Meter } from '../../../src/collector/metrics/meter.ts';
import { resolveOptions } from '../../../src/collector/resolve-options.ts';
import { openStore } from '../../../src/collector/store/open-store.ts';
import type { Store } from '../../../src/collector/store/store.ts';
import { Upkeep } from '../../../src/collector/upkeep/upkeep.ts';
import { GuardedLogger } from '../../../src/internal/logger.ts';
import { emptyDatabase } from '../../helpers/databases.ts';
import { newTask } from '../../helpers/new-task.ts';

const DAY = 86_400;
const NOW = 1_790_000_000;

async function open(): Promise<Store> {
  const { database } = resolveOptions(await emptyDatabase(), {});
  const store = await openStore(database);
  onTestFinished(() => store.close());
  await store.projects.ensure('p');
  return store;
}

/** One a day, t0 being the oldest, each of 1000 bytes with its metadata. */
async function fill(store: Store, count: number, { perDay = 1 } = {}): Promise<void> {
  const tasks = Array.from({ length: count }, (_, index) =>
    newTask({
      id: `t${index}`,
      sessionId: `s${Math.floor(index / 2)}`,
      createdAt: NOW - Math.floor((count - index) / perDay) * DAY + 60,
      input: 'x'.repeat(998),
    }),
  );
  await store.tasks.add('p', tasks);
}

function upkeepOf(store: Pick<Store, 'projects' | 'removal'>, given: object = {}) {
  const meter = new Meter();
  const warn = vi.fn();
  const logger = new GuardedLogger({ ...console, warn } as never, 'warn');
  const retention = { days: 0, bytes: 0 };
  const upkeep = new Upkeep({ store, meter, logger, retention, now: () => NOW * 1000, ...given });
  onTestFinished(() => upkeep.close());
  return { upkeep, meter, warn };
}

const left = async (store: Store) =>
  (await store.tasks.list('p', { filters: {}, limit: 1000 })).map(({ id }) => id).reverse();

test('keeps all without a limit', async () => {
  const store = await open();
  await fill(store, 5);
  await upkeepOf(store).upkeep.look();
  expect(await left(store)).toHaveLength(5);
});

test('by age: tasks and sessions that are older go; a session that stays has a preview of what stays', async () => {
  const store = await open();
  await fill(store, 9);
  const { upkeep, meter } = upkeepOf(store, { retention: { days: 4, bytes: 0 } });
  await upkeep.look();
  expect(await left(store)).toEqual(['t5', 't6', 't7', 't8']);
  const sessions = await store.sessions.list('p', { filters: {}, limit: 100 });
  expect(sessions.map(({ id }) => id).sort()).toEqual(['s2', 's3', 's4']);
  expect(meter.removalTotals).toEqual({ request: 0, age: 5, size: 0 });
  await upkeep.look();
  expect(await left(store)).toHaveLength(4);
});

test('by size: the oldest go, and no more than must', async () => {
  const store = await open();
  await fill(store, 9);
  const { upkeep, meter } = upkeepOf(store, { retention: { days: 0, bytes: 3500 } });
  await upkeep.look();
  expect(await left(store)).toEqual(['t6', 't7', 't8']);
  expect(await store.removal.bytes('p')).toBe(3000);
  expect(meter.removalTotals).toEqual({ request: 0, age: 0, size: 6 });
});

test('thousands go in steps; several collectors at once delete no more than one would', async () => {
  const store = await open();
  await fill(store, 2600, { perDay: 300 });
  const options = { retention: { days: 0, bytes: 700_000 } };
  const all = [upkeepOf(store, options), upkeepOf(store, options), upkeepOf(store, options)];
  await Promise.all(all.map(({ upkeep }) => upkeep.look()));
  // Where one was at it the others have passed.
  await all[0]?.upkeep.look();
  expect(await store.removal.bytes('p')).toBe(700_000);
  expect(await left(store)).toHaveLength(700);
  expect(all.reduce((sum, { meter }) => sum + meter.removalTotals.size, 0)).toBe(1900);
});

test('settings that change while it deletes hold from the next step on', async () => {
  const store = await open();
  await fill(store, 1300, { perDay: 1000 });
  await store.projects.change('p', { settings: { retention_bytes: 1 } }, 'test');
  const retain: Store['removal']['retain'] = async (...given) => {
    const outlived = await store.removal.retain(...given);
    await store.projects.change('p', { settings: { retention_bytes: null } }, 'test');
    return outlived;
  };
  const { removal, projects } = store;
  const { upkeep } = upkeepOf({
    projects,
    removal: {
      retain,
      forgetRemoved: (now) => removal.forgetRemoved(now),
      scrub: () => removal.scrub(),
    } as Store['removal'],
  });
  await upkeep.look();
  expect(await left(store)).toHaveLength(800);
});

test('what a project has set for itself comes first, also to keep all', async () => {
  const store = await open();
  await fill(store, 6);
  const { upkeep } = upkeepOf(store, { retention: { days: 1, bytes: 0 } });
  await store.projects.change('p', { settings: { retention_days: 0, other: 'x' } }, 'test');
  await upkeep.look();
  expect(await left(store)).toHaveLength(6);
  await store.projects.change('p', { settings: { retention_days: 3 } }, 'test');
  await upkeep.look();
  expect(await left(store)).toHaveLength(3);
  await store.projects.change(
    'p',
    { settings: { retention_days: null, retention_bytes: 1 } },
    'test',
  );
  await upkeep.look();
  expect(await left(store)).toEqual([]);
});

test('old comparisons, ended tests and sessions without tasks go by age', async () => {
  const store = await open();
  const ended = await store.tests.create('p', 'me', {});
  await store.tests.change('p', ended.id, { status: 'completed' });
  const running = await store.tests.create('p', 'me', {});
  const session = await store.sessions.create('p', null);
  const comparison = { testId: null, instructions: null, contextInput: 'x', source: 'm' };
  const texts = { oldOutput: 'x', newOutput: 'y', result: 'Same quality', reason: null } as const;
  await store.comparisons.add('p', { ...comparison, ...texts });
  const days = (count: number) => () => Date.now() + count * DAY * 1000;
  const retention = { days: 10, bytes: 0 };
  await upkeepOf(store, { retention, now: days(9) }).upkeep.look();
  expect(await store.tests.find('p', ended.id)).toBeDefined();
  expect(await store.sessions.find('p', session.id)).toBeDefined();
  await upkeepOf(store, { retention, now: days(11) }).upkeep.look();
  expect(await store.tests.find('p', ended.id)).toBeUndefined();
  expect(await store.tests.find('p', running.id)).toBeDefined();
  expect(await store.sessions.find('p', session.id)).toBeUndefined();
});

test('the id of a deleted task is kept for 48 h', async () => {
  const store = await open();
  await fill(store, 1);
  await store.removal.remove('p', { kind: 'task', id: 't0' });
  const hours = (count: number) => () => Date.now() + count * 3_600_000;
  await upkeepOf(store, { now: hours(47) }).upkeep.look();
  await fill(store, 1);
  expect(await left(store)).toEqual([]);
  await upkeepOf(store, { now: hours(49) }).upkeep.look();
  await fill(store, 1);
  expect(await left(store)).toEqual(['t0']);
});

test('close() ends it between two steps; a database that fails is told of once', async () => {
  const store = await open();
  await fill(store, 1800, { perDay: 500 });
  const removal = {
    retain: async (...args: Parameters<Store['removal']['retain']>) => {
      const outlived = await store.removal.retain(...args);
      void upkeep.close();
      return outlived;
    },
    forgetRemoved: async () => true,
    scrub: async () => true,
  };
  const parts = { projects: store.projects, removal } as never;
  const { upkeep } = upkeepOf(parts, { retention: { days: 0, bytes: 1 } });
  await upkeep.look();
  expect(await store.removal.bytes('p')).toBe(1_300_000);

  const broken = { list: () => Promise.reject(new Error('away')) };
  const failing = upkeepOf({ ...store, projects: broken } as never);
  await failing.upkeep.look();
  await failing.upkeep.look();
  expect(failing.warn).toHaveBeenCalledTimes(1);
  expect(String(failing.warn.mock.calls[0])).toContain('away');
});
