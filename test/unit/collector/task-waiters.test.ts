import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FLAG_WAIT_MS, TaskWaiters } from '../../../src/collector/model/task-waiters.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const here = { gone: new AbortController().signal, share: 1 };

test('looks once now and once when the task is stored, and not between', async () => {
  const waiters = new TaskWaiters();
  const find = vi.fn<() => Promise<string | undefined>>().mockResolvedValueOnce(undefined);
  const found = waiters.find('p', 't', find, here);
  await vi.advanceTimersByTimeAsync(FLAG_WAIT_MS - 1);
  waiters.stored('p', ['other']);
  waiters.stored('q', ['t']);
  await vi.advanceTimersByTimeAsync(0);
  expect(find).toHaveBeenCalledTimes(1);
  find.mockResolvedValueOnce('task');
  waiters.stored('p', ['t']);
  expect(await found).toBe('task');
  expect(find).toHaveBeenCalledTimes(2);
  expect(vi.getTimerCount()).toBe(0);
});

test('does not miss a task that is stored during the first look', async () => {
  const waiters = new TaskWaiters();
  let stored = false;
  const found = waiters.find(
    'p',
    't',
    async () => {
      if (stored) return 'task';
      stored = true;
      waiters.stored('p', ['t']);
      return undefined;
    },
    here,
  );
  expect(await found).toBe('task');
});

test('looks a last time when 31 s are over, since another process may have stored the task', async () => {
  const waiters = new TaskWaiters();
  const find = vi.fn(async () => undefined);
  const found = waiters.find('p', 't', find, here);
  await vi.advanceTimersByTimeAsync(31_000);
  expect(await found).toBeUndefined();
  expect(find).toHaveBeenCalledTimes(2);
});

test('gives up its place, without another look, when the caller hangs up', async () => {
  const waiters = new TaskWaiters(FLAG_WAIT_MS, 1);
  const caller = new AbortController();
  const find = vi.fn(async () => undefined);
  const found = waiters.find('p', 't', find, { gone: caller.signal, share: 1 });
  await vi.advanceTimersByTimeAsync(10);
  caller.abort();
  expect(await found).toBeUndefined();
  expect(find).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
  expect(await waiters.find('p', 't', async () => 'task', here)).toBe('task');
});

test('has a bounded number of places: who gets none is told to come again, unless the task is there', async () => {
  const waiters = new TaskWaiters(FLAG_WAIT_MS, 10);
  const none = async () => undefined;
  const small = { ...here, share: 0.1 };
  const waiting = waiters.find('p', 't', none, small);
  await expect(waiters.find('p', 't2', none, small)).rejects.toMatchObject({ status: 503 });
  expect(await waiters.find('p', 't2', async () => 'task', small)).toBe('task');
  const more = Array.from({ length: 9 }, (_, n) => waiters.find('p', `m${n}`, none, here));
  await expect(waiters.find('p', 'x', none, here)).rejects.toMatchObject({ status: 503 });
  await vi.advanceTimersByTimeAsync(31_000);
  expect(await Promise.all([waiting, ...more])).toHaveLength(10);
});

test('close() sends all away', async () => {
  const waiters = new TaskWaiters();
  const none = async () => undefined;
  const before = waiters.find('p', 't', none, here);
  before.catch(() => undefined);
  waiters.close();
  const after = waiters.find('p', 't', none, here);
  after.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  await expect(before).rejects.toMatchObject({ status: 503 });
  await expect(after).rejects.toMatchObject({ status: 503 });
});
