import { createHmac, timingSafeEqual } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FeedbackTokens } from '../../../src/feedback/token.ts';

vi.mock('node:crypto', async (load) => {
  const crypto = await load<typeof import('node:crypto')>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});
const compare = vi.mocked(timingSafeEqual);

const SECRET = 'a secret of the tests, of forty characters';
const tokens = new FeedbackTokens([SECRET]);
/** Its id needs every kind of base64: `-`, `_` and bits that are left over. */
const genuine = tokens.sign('täsk~?>>~ÿÿ 1');
const [version = '', keyId = '', expiry = '', task = '', mac = ''] = genuine.split('.');
const join = (...parts: string[]) => parts.join('.');

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Spellings that decode to the same bytes: the bits that a last character has too many. */
function looseEnds(text: string): string[] {
  const bytes = Buffer.from(text, 'base64url');
  return [...ALPHABET]
    .map((char) => text.slice(0, -1) + char)
    .filter((other) => other !== text && Buffer.from(other, 'base64url').equals(bytes));
}

afterEach(() => void compare.mockClear());

describe('another spelling of a genuine token is no token', () => {
  const padded = (text: string) => text + '='.repeat(-text.length & 3);
  const plain = (text: string) => text.replaceAll('-', '+').replaceAll('_', '/');
  const wide = (text: string) =>
    [...text].map((char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)).join('');

  it.each<[string, string]>([
    ['padding of the MAC', `${genuine}=`],
    ['padding of the task', join(version, keyId, expiry, padded(`${task}`), mac)],
    ['too much padding', join(version, keyId, expiry, `${task}====`, mac)],
    ['base64', join(version, keyId, expiry, plain(task), plain(mac))],
    ['base64 of the task', join(version, keyId, expiry, plain(task), mac)],
    ['percent-encoding', genuine.replaceAll('.', '%2E')],
    ['percent-encoding of a letter', genuine.replace('v', '%76')],
    [
      'hexadecimal',
      join(version, keyId, expiry, task, Buffer.from(mac, 'base64url').toString('hex')),
    ],
    ['an expiry in capitals', join(version, keyId, expiry.toUpperCase(), task, mac)],
    ['an expiry with a zero before it', join(version, keyId, `0${expiry}`, task, mac)],
    ['an expiry with a plus', join(version, keyId, `+${expiry}`, task, mac)],
    ['an expiry with a minus', join(version, keyId, `-${expiry}`, task, mac)],
    ['an expiry after a space', join(version, keyId, ` ${expiry}`, task, mac)],
    ['an expiry before a line feed', join(version, keyId, `${expiry}\n`, task, mac)],
    ['an expiry with something behind it', join(version, keyId, `${expiry}!`, task, mac)],
    ['an expiry that is too large', join(version, keyId, 'z'.repeat(20), task, mac)],
    ['no expiry', join(version, keyId, '', task, mac)],
    ['no task', join(version, keyId, expiry, '', mac)],
    ['no MAC', join(version, keyId, expiry, task, '')],
    ['four parts', join(version, keyId, expiry, task)],
    ['six parts', join(version, keyId, expiry, task, mac, '')],
    ['an empty first part', `.${genuine}`],
    ['another version', genuine.replace('v1', 'v2')],
    ['a capital V', genuine.replace('v1', 'V1')],
    ['a key that nobody has', join(version, 'AAAAAA', expiry, task, mac)],
    ['no key', join(version, '', expiry, task, mac)],
    ['a space before it', ` ${genuine}`],
    ['a line end behind it', `${genuine}\r\n`],
    ['a NUL behind it', `${genuine}\0`],
    ['a NUL in its task', join(version, keyId, expiry, `${task}\0`, mac)],
    [
      'a line end in its task',
      join(version, keyId, expiry, `${task.slice(0, 4)}\n${task.slice(4)}`, mac),
    ],
    ['a BOM before it', `\ufeff${genuine}`],
    ['a lone surrogate behind it', `${genuine}\ud800`],
    ['full-width letters', wide(genuine)],
    ['a full-width digit in the version', genuine.replace('v1', 'v１')],
    ['a dot that is none', genuine.replace('.', '\u2024')],
    ['a binding within', `${join(version, keyId, expiry, task)}\0.${mac}`],
    ['quotes', JSON.stringify(genuine)],
    ['twice', genuine + genuine],
  ])('%s', (_, spelling) => {
    expect(spelling).not.toBe(genuine);
    expect(tokens.check(genuine).ok).toBe(true);
    expect(tokens.check(spelling)).toEqual({ ok: false, code: 'token_invalid' });
  });

  it('bits that are left over in the last character of task and MAC', () => {
    const ends = looseEnds(mac).map((other) => join(version, keyId, expiry, task, other));
    expect(ends.length).toBeGreaterThan(0);
    for (const id of ['a', 'ab', 'abc', 'ü']) {
      const [, , , text = '', code = ''] = tokens.sign(id).split('.');
      ends.push(...looseEnds(text).map((other) => join(version, keyId, expiry, other, code)));
    }
    expect(ends.length).toBeGreaterThan(20);
    for (const spelling of ends) expect(tokens.check(spelling).ok).toBe(false);
  });

  it('any part replaced by anything, wherever it is cut', () => {
    const at = fc.nat(genuine.length);
    const text = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ unit: fc.constantFrom(...ALPHABET, '.', '=', '+', '/', '\0'), maxLength: 12 }),
      fc.tuple(at, at).map(([a, b]) => genuine.slice(Math.min(a, b), Math.max(a, b))),
    );
    fc.assert(
      fc.property(at, at, text, (a, b, put) => {
        const changed = genuine.slice(0, Math.min(a, b)) + put + genuine.slice(Math.max(a, b));
        expect(tokens.check(changed).ok).toBe(changed === genuine);
      }),
      { numRuns: 2_000 },
    );
  });

  it('with every other byte in the place of every byte', () => {
    for (let at = 0; at < genuine.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const changed = genuine.slice(0, at) + String.fromCharCode(byte) + genuine.slice(at + 1);
        if (changed !== genuine && tokens.check(changed).ok) expect.fail(JSON.stringify(changed));
      }
    }
  });

  it('cut short, at either end', () => {
    for (let length = 0; length < genuine.length; length++) {
      expect(tokens.check(genuine.slice(0, length)).ok).toBe(false);
      expect(tokens.check(genuine.slice(-length - 1).slice(1)).ok).toBe(false);
    }
  });

  it('signed by a secret that has been rotated out, or by what the secret is made of', () => {
    const rotated = new FeedbackTokens(['the next secret, of as many characters!']);
    expect(rotated.check(genuine).ok).toBe(false);
    const body = join(version, keyId, expiry, task);
    for (const key of [SECRET, '', keyId]) {
      const forged = createHmac('sha256', key).update(`${body}\0`).digest('base64url');
      expect(tokens.check(`${body}.${forged}`).ok).toBe(false);
    }
  });

  it('of a binding that begins or ends elsewhere', () => {
    const bound = tokens.sign('t', { bind: 'ada\0x' });
    for (const bind of [undefined, '', 'ada', 'x', 'ada\0', '\0ada\0x', 'ADA\0x']) {
      expect(tokens.check(bound, { bind }).ok).toBe(false);
    }
    expect(tokens.check(bound, { bind: 'ada\0x' }).ok).toBe(true);
  });
});

describe('a token that could be one', () => {
  it('is compared as a whole, in constant time, once, wherever it differs', () => {
    const body = join(version, keyId, expiry, task);
    for (let at = 0; at < mac.length; at++) {
      compare.mockClear();
      const other = mac[at] === 'A' ? 'B' : 'A';
      tokens.check(`${body}.${mac.slice(0, at)}${other}${mac.slice(at + 1)}`);
      expect(compare).toHaveBeenCalledTimes(1);
      for (const side of compare.mock.calls[0] ?? []) expect(side.byteLength).toBe(genuine.length);
    }
  });

  it('is genuine if that comparison says so, and by nothing else', () => {
    compare.mockReturnValueOnce(false);
    expect(tokens.check(genuine).ok).toBe(false);
    compare.mockReturnValueOnce(true);
    expect(tokens.check(join(version, keyId, expiry, task, 'A'.repeat(mac.length))).ok).toBe(true);
  });
});
