import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { untilAborted } from '../../../src/delivery/until-aborted.ts';

describe('untilAborted', () => {
  it('is the work, and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(async () => 7, signal)).toBe(7);
    await expect(
      untilAborted(() => {
        throw new Error('at once');
      }, signal),
    ).rejects.toThrow('at once');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends with the signal, though the work goes on', async () => {
    const controller = new AbortController();
    const waiting = untilAborted(() => new Promise(() => {}), controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(untilAborted(() => new Promise(() => {}), controller.signal)).rejects.toBe(reason);
  });
});
