import { describe, expect, it, vi } from 'vitest';
import { GuardedLogger, LOG_LEVELS, type LogLevel } from '../../../src/internal/logger.ts';

function spied() {
  return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
}

describe('GuardedLogger', () => {
  it.each<[LogLevel, number]>([
    ['silent', 0],
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
  ])('at level %s says %i of four messages', (level, count) => {
    const logger = spied();
    const guarded = new GuardedLogger(logger, level);
    for (const one of LOG_LEVELS) if (one !== 'silent') guarded.say(one, 'hello');
    const calls = Object.values(logger).flatMap(({ mock }) => mock.calls);
    expect(calls).toEqual(Array.from({ length: count }, () => ['phospho-express: hello']));
  });

  it('says a message once for each key, and again once its cause has gone', () => {
    const logger = spied();
    const guarded = new GuardedLogger(logger, 'warn');
    for (const key of ['a', 'a', 'b']) guarded.once(key, 'warn', key);
    expect(logger.warn).toHaveBeenCalledTimes(2);
    guarded.forget('a');
    guarded.once('a', 'warn', 'again');
    expect(logger.warn).toHaveBeenCalledTimes(3);
  });

  it('keeps to itself what a logger throws or rejects with', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const throwing = () => {
      throw new Error('disk full');
    };
    for (const bad of [throwing, () => Promise.reject(new Error('disk full'))]) {
      const guarded = new GuardedLogger({ debug: bad, info: bad, warn: bad, error: bad }, 'debug');
      expect(() => guarded.say('warn', 'x')).not.toThrow();
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
