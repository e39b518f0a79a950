import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from '../../../../src/collector/limits/token-bucket.ts';

test('a full bucket goes at once, and then one by one as they grow again', () => {
  const bucket = new TokenBucket(60, 0);
  expect(bucket.take(60, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(1000);
  expect(bucket.take(1, 999)).toBe(1);
  expect(bucket.take(1, 1000)).toBe(0);
  expect(bucket.take(10, 1000)).toBe(10_000);
});

test('what is larger than the bucket goes when it is full, and is waited for afterwards', () => {
  const bucket = new TokenBucket(60, 0);
  expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(100, 0)).toBe(1000);
  expect(bucket.take(100, 1000)).toBe(0);
  expect(bucket.take(1, 1000)).toBe(41_000);
});

test('a smaller limit holds at once, a larger one as it grows', () => {
  const bucket = new TokenBucket(600, 0);
  bucket.resize(60);
  expect(bucket.take(60, 0)).toBe(0);
  bucket.resize(600);
  expect(bucket.take(1, 0)).toBe(100);
});

test('no stretch of time lets through more than a bucket and what has grown in it', () => {
  const takes = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 50 }), pause: fc.integer({ min: 0, max: 5000 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 1000 }), takes, (limit, steps) => {
      const bucket = new TokenBucket(limit, 0);
      let now = 0;
      let through = 0;
      for (const { count, pause } of steps) {
        now += pause;
        const waitMs = bucket.take(count, now);
        if (waitMs === 0) through += count;
        else {
          // And it tells the truth about the wait.
          now += waitMs;
          expect(bucket.take(count, now)).toBe(0);
          through += count;
        }
        expect(through).toBeLessThanOrEqual(limit + (limit * now) / 60_000 + 1e-6);
      }
    }),
  );
});
