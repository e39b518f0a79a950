import { describe, expect, it, vi } from 'vitest';
import { callHook, describeError } from '../../../src/internal/hooks.ts';
import { GuardedLogger } from '../../../src/internal/logger.ts';

function guarded() {
  const warn = vi.fn();
  return {
    warn,
    logger: new GuardedLogger({ debug: warn, info: warn, warn, error: warn }, 'warn'),
  };
}

describe('callHook', () => {
  it('passes the arguments and gives back the result', () => {
    const { logger } = guarded();
    expect(callHook(logger, 'sum', (a: number, b: number) => a + b, 1, 2)).toBe(3);
    expect(callHook(logger, 'none', undefined)).toBeUndefined();
  });

  it('says once that a hook threw or rejected, and goes on', async () => {
    const { logger, warn } = guarded();
    for (let n = 0; n < 3; n++) {
      callHook(logger, 'bad', () => {
        throw new Error('oh');
      });
      callHook(logger, 'worse', () => Promise.reject(new Error('no')));
    }
    await Promise.resolve();
    await Promise.resolve();
    expect(warn.mock.calls).toEqual([
      ['phospho-express: the hook bad failed: Error: oh'],
      ['phospho-express: the hook worse failed: Error: no'],
    ]);
  });

  it('survives a result whose then throws', () => {
    const { logger } = guarded();
    const hostile = {
      // biome-ignore lint/suspicious/noThenProperty: that is the case in question
      get then() {
        throw new Error('then');
      },
    };
    expect(callHook(logger, 'hostile', () => hostile)).toBeUndefined();
  });
});

describe('describeError', () => {
  const hostile = Object.defineProperty(new Error(), 'message', {
    get() {
      throw new Error();
    },
  });

  it.each<[string, () => unknown]>([
    ['TypeError: x', () => new TypeError('x')],
    ['text', () => 'text'],
    ['undefined', () => undefined],
    ['Symbol(s)', () => Symbol('s')],
    ['an error that cannot be shown', () => Object.create(null)],
    ['an error that cannot be shown', () => hostile],
  ])('says "%s" of whatever was thrown, and never throws itself', (text, make) => {
    expect(describeError(make())).toBe(text);
  });
});
