import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FeedbackTokens } from '../../../src/feedback/token.ts';

const SECRET = 'a secret of the tests, of forty characters';
const tokens = new FeedbackTokens([SECRET]);
/** What UTF-8 can hold: a lone surrogate cannot travel. */
const taskId = fc
  .string({ unit: 'binary', maxLength: 60 })
  .filter((id) => !/\p{Surrogate}/u.test(id));

afterEach(() => {
  vi.useRealTimers();
});

describe('FeedbackTokens', () => {
  it('gives back the task id, whatever its script', () => {
    fc.assert(
      fc.property(taskId, (id) => {
        expect(tokens.check(tokens.sign(id))).toEqual({ ok: true, taskId: id });
      }),
    );
  });

  it('fits a header and a URL', () => {
    fc.assert(
      fc.property(taskId, (id) => {
        expect(tokens.sign(id)).toMatch(/^v1\.[\w-]{6}\.[0-9a-z]+\.[\w-]*\.[\w-]{43}$/);
      }),
    );
  });

  it('takes no token in which one character differs', () => {
    const token = tokens.sign('task_ü');
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (at, char) => {
          const changed = `${token.slice(0, at)}${char}${token.slice(at + 1)}`;
          if (changed !== token) expect(tokens.check(changed).ok).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes no token in which one bit differs, is missing, or is one too many', () => {
    const token = tokens.sign('task_1');
    for (let at = 0; at < token.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const char = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit));
        expect(tokens.check(`${token.slice(0, at)}${char}${token.slice(at + 1)}`).ok).toBe(false);
      }
      expect(tokens.check(token.slice(0, at) + token.slice(at + 1)).ok).toBe(false);
      expect(tokens.check(`${token.slice(0, at)}A${token.slice(at)}`).ok).toBe(false);
    }
  });

  it('takes no arbitrary text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { minLength: 4 }).map((parts) => ['v1', ...parts].join('.')),
        ),
        (text) => {
          expect(tokens.check(text)).toEqual({ ok: false, code: 'token_invalid' });
        },
      ),
    );
  });

  it('takes neither the expiry of another token nor its task', () => {
    const [a, b] = [tokens.sign('a'), tokens.sign('b', { expiresInMs: 999_000_000 })];
    const [partsA, partsB] = [a.split('.'), b.split('.')];
    for (const index of [2, 3]) {
      const mixed = partsA.map((part, at) => (at === index ? partsB[at] : part)).join('.');
      expect(tokens.check(mixed).ok).toBe(false);
    }
  });

  it('expires when its time is over, a day unless told otherwise', () => {
    vi.useFakeTimers();
    const token = tokens.sign('t');
    vi.advanceTimersByTime(24 * 3_600_000 - 1_000);
    expect(tokens.check(token).ok).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(tokens.check(token)).toEqual({ ok: false, code: 'token_expired' });
  });

  it('says expired only of a token that is genuine', () => {
    vi.useFakeTimers();
    const token = new FeedbackTokens(['x'.repeat(40)]).sign('t', { expiresInMs: 1_000 });
    vi.advanceTimersByTime(10_000);
    expect(tokens.check(token)).toEqual({ ok: false, code: 'token_invalid' });
  });

  it('is bound to what it was bound to', () => {
    const token = tokens.sign('t', { bind: 'user 1' });
    expect(tokens.check(token, { bind: 'user 1' }).ok).toBe(true);
    expect(tokens.check(token, { bind: 'user 2' }).ok).toBe(false);
    expect(tokens.check(token).ok).toBe(false);
  });

  it('is signed with the first secret and taken with any', () => {
    const [old, next] = [SECRET, 'the next secret, of as many characters!'];
    const rotating = new FeedbackTokens([next, old]);
    expect(rotating.check(new FeedbackTokens([old]).sign('t')).ok).toBe(true);
    expect(new FeedbackTokens([next]).check(rotating.sign('t')).ok).toBe(true);
    expect(new FeedbackTokens([old]).check(rotating.sign('t')).ok).toBe(false);
  });
});
