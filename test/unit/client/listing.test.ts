import { describe, expect, it, vi } from 'vitest';
import { Listing } from '../../../src/client/listing.ts';

describe('a listing', () => {
  it('loads once, at its first use', async () => {
    const load = vi.fn(async () => [1, 2]);
    const list = new Listing(load);
    expect(load).not.toHaveBeenCalled();
    expect(await list).toEqual([1, 2]);
    expect(await Promise.all([list, list.then((items) => items.length)])).toEqual([[1, 2], 2]);
    const read: number[] = [];
    for await (const item of list) read.push(item);
    expect(read).toEqual([1, 2]);
    expect(load).toHaveBeenCalledTimes(1);
    expect(Object.prototype.toString.call(list)).toBe('[object Listing]');
  });

  it('gives the same error to all who use it', async () => {
    const error = new Error('no');
    const list = new Listing(() => Promise.reject(error));
    await expect(list).rejects.toBe(error);
    expect(await list.catch((reason) => reason)).toBe(error);
    await expect(list[Symbol.asyncIterator]().next()).rejects.toBe(error);
  });
});
