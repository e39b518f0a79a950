import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backoffMs, judge } from '../../../src/delivery/retry.ts';
import {
  PhosphoAnswerError,
  PhosphoArgumentError,
  PhosphoClientError,
  PhosphoConfigError,
  PhosphoConnectionError,
  PhosphoServerError,
  PhosphoTimeoutError,
} from '../../../src/errors.ts';

const call = { method: 'POST', path: '/log/p' };

afterEach(() => {
  vi.restoreAllMocks();
});

describe('judge', () => {
  it.each([
    ...[408, 425, 429].map((status) => [status, 'retry'] as const),
    ...[301, 307, 401, 403, 404, 405, 407, 421].map((status) => [status, 'hold'] as const),
    ...[400, 409, 413, 415, 422].map((status) => [status, 'refuse'] as const),
  ])('a %i is a case of %s', (status, verdict) => {
    expect(judge(new PhosphoClientError('', { ...call, status }))).toBe(verdict);
  });

  it.each([
    ['a 5xx', new PhosphoServerError('', { ...call, status: 503 }), 'retry'],
    ['a time-out', new PhosphoTimeoutError('', call), 'retry'],
    ['a broken connection', new PhosphoConnectionError('', call), 'retry'],
    ['an answer that is none', new PhosphoAnswerError('', { ...call, status: 200 }), 'retry'],
    ['a missing setting', new PhosphoConfigError(''), 'hold'],
    ['an id that cannot travel', new PhosphoArgumentError(''), 'refuse'],
    ['anything else', new TypeError(), 'retry'],
    ['nothing', undefined, 'retry'],
    ['null', null, 'retry'],
  ] as const)('%s is a case of %s', (_, error, verdict) => {
    expect(judge(error)).toBe(verdict);
  });
});

describe('backoffMs', () => {
  it('is anything between a quarter and all of a ceiling that doubles from 0.5 s to 30 s', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), (failures) => {
        const ceiling = Math.min(30_000, 500 * 2 ** (failures - 1));
        vi.spyOn(Math, 'random').mockReturnValue(0);
        expect(backoffMs(new Error(), failures)).toBe(ceiling / 4);
        vi.spyOn(Math, 'random').mockReturnValue(1);
        expect(backoffMs(new Error(), failures)).toBe(ceiling);
      }),
    );
  });

  it('lets no process ask more than ten times in an outage of 15 s, two at once to begin with', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    let [asked, at] = [2, 0];
    for (let failures = 1; at < 15_000; failures++) {
      at += backoffMs(new Error(), failures);
      if (at < 15_000) asked += 1;
    }
    expect(asked).toBeLessThanOrEqual(10);
  });

  it('is what the server asks for, from 1 s to 5 min', () => {
    for (const [asked, wait] of [
      [0, 1_000],
      [7_000, 7_000],
      [86_400_000, 300_000],
    ] as const) {
      const error = new PhosphoClientError('', { ...call, status: 429, retryAfterMs: asked });
      expect(backoffMs(error, 1)).toBe(wait);
    }
  });

  it('is a minute where somebody has to mend the settings first', () => {
    expect(backoffMs(new PhosphoConfigError(''), 1)).toBe(60_000);
    expect(backoffMs(new PhosphoClientError('', { ...call, status: 401 }), 9)).toBe(60_000);
  });
});
