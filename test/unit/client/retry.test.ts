import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRetryable, retryDelayMs } from '../../../src/client/retry.ts';
import {
  PhosphoAnswerError,
  PhosphoClientError,
  PhosphoConfigError,
  PhosphoConnectionError,
  PhosphoServerError,
  PhosphoTimeoutError,
} from '../../../src/errors.ts';
import { retryAfterMs } from '../../../src/internal/retry-after.ts';

const call = { method: 'GET', path: '/any' };
const NOW = Date.UTC(2030, 0, 1, 12, 0, 0);

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['0.5', 500],
    ['Tue, 01 Jan 2030 12:00:30 GMT', 30_000],
    ['Tuesday, 01-Jan-30 12:00:30 GMT', 30_000],
    ['Tue Jan  1 12:00:30 2030', 30_000],
    ['Tue, 01 Jan 2030 11:00:00 GMT', 0],
    ['9'.repeat(400), 2 ** 31 - 1],
    ['Tue, 01 Jan 2999 12:00:30 GMT', 2 ** 31 - 1],
  ])('"%s" is understood', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });

  it.each([undefined, '', '-5', 'soon', 'May 2030', '7 s', '1e3', 'Tue, 99 Foo 2030 12:00:30 GMT'])(
    '"%s" says nothing',
    (header) => {
      expect(retryAfterMs(header, NOW)).toBeUndefined();
    },
  );

  it('never makes a delay that no timer can keep, whatever it says', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const ms = retryAfterMs(header, NOW) ?? 0;
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThan(2 ** 31);
      }),
    );
  });
});

describe('what is tried again', () => {
  it('connection errors, time-outs, 408, 425, 429 and 5xx', () => {
    expect(isRetryable(new PhosphoConnectionError('', call))).toBe(true);
    expect(isRetryable(new PhosphoTimeoutError('', call))).toBe(true);
    expect(isRetryable(new PhosphoServerError('', { ...call, status: 599 }))).toBe(true);
    for (let status = 300; status < 500; status++) {
      const error = new PhosphoClientError('', { ...call, status });
      expect(isRetryable(error)).toBe([408, 425, 429].includes(status));
    }
  });

  it('not what the caller ended, nor what will not change', () => {
    for (const code of ['ERR_PHOSPHO_ABORTED', 'ERR_PHOSPHO_CLOSED']) {
      expect(isRetryable(new PhosphoConnectionError('', { ...call, code }))).toBe(false);
    }
    expect(isRetryable(new PhosphoAnswerError('', { ...call, status: 200 }))).toBe(false);
    expect(isRetryable(new PhosphoConfigError(''))).toBe(false);
    expect(isRetryable(new TypeError('x'))).toBe(false);
  });

  it('twice, after 200 and 400 ms at most, or what the server asks', () => {
    const error = new PhosphoServerError('', { ...call, status: 503 });
    expect([0, 1, 2].map((retries) => retryDelayMs(error, retries, () => 1))).toEqual([
      200,
      400,
      undefined,
    ]);
    expect(retryDelayMs(error, 0, () => 0)).toBe(0);
    const asked = (ms: number) =>
      new PhosphoServerError('', { ...call, status: 503, retryAfterMs: ms });
    expect(retryDelayMs(asked(10_000), 0)).toBe(10_000);
    expect(retryDelayMs(asked(10_001), 0)).toBeUndefined();
  });
});
