import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskCredentials } from '../../../src/capture/mask.ts';
import { maskDeep } from '../../../src/capture/mask-event.ts';

const LETTERS = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';
const UPPER = 'ABCDEFGHIJ234567';

const credentials: [string, string][] = [
  ['OpenAI', `sk-proj-${LETTERS}_-x`],
  ['Anthropic', `sk-ant-api03-${LETTERS}`],
  ['Stripe, secret', `sk_live_${LETTERS}`],
  ['Stripe, restricted', `rk_live_${LETTERS}`],
  ['Google', `AIza${LETTERS.slice(0, 35)}`],
  ['AWS', `AKIA${UPPER}`],
  ['GitHub', `ghp_${LETTERS}`],
  ['GitHub, fine-grained', `github_pat_${LETTERS}`],
  ['Slack', `xoxb-123456789012-${LETTERS}`],
  ['Groq', `gsk_${LETTERS}`],
  ['Hugging Face', `hf_${LETTERS}`],
  ['phospho', `phk_${LETTERS}`],
  ['JWT', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${LETTERS}`],
  ['bearer token', `Bearer ${LETTERS}`],
  ['bearer token in small letters', `bearer ${LETTERS}`],
];

const pem = (label: string): string =>
  `-----BEGIN ${label}-----\nMIIEvQIBADANBgkqh\nkiG9w0BAQEFAASC\n-----END ${label}-----`;

describe.each(credentials)('a credential: %s', (_of, credential) => {
  it.each([
    ['alone', ''],
    ['after a space', 'key: '],
    ['after an equals sign', 'KEY='],
    ['after a quote', '"'],
    ['on a line of its own', 'the key:\n'],
    ['after a tab', 'key\t'],
    ['after a carriage return', 'key\r'],
    ['after a control character', 'key\u0001'],
  ])('is masked %s, in a text and in JSON', (_where, before) => {
    const secret = credential.slice(-12);
    const text = `${before}${credential} and more`;
    expect(maskCredentials(text)).toBe(`${before}[credential] and more`);
    const json = maskCredentials(JSON.stringify({ text, nested: JSON.stringify({ text }) }));
    expect(json).not.toContain(secret);
    expect(JSON.parse(json).text).toBe(`${before}[credential] and more`);
  });

  it('is masked wherever it stands, and nothing else is', () => {
    const other = fc.string({
      unit: fc.constantFrom('a ', ' ', '. ', '\n', '"', '\\ ', 'é '),
      maxLength: 20,
    });
    fc.assert(
      fc.property(other, other, (before, after) => {
        const text = `${before} ${credential} ${after}`;
        expect(maskCredentials(text)).toBe(`${before} [credential] ${after}`);
      }),
    );
  });
});

describe('what only looks like a credential', () => {
  it.each([
    'a task-oriented-dialogue-system-for-all',
    'sk-short',
    'the desk-bound-and-otherwise-occupied',
    'eyJust a word',
    'eyJhbGciOiJIUzI1NiJ9 alone',
    'to bear arms; the bearer of this letter',
    'AKIAlowercaseletters',
    'high and mighty',
    pem('CERTIFICATE'),
    pem('PUBLIC KEY'),
  ])('stays: %s', (text) => {
    expect(maskCredentials(text)).toBe(text);
  });
});

describe('a private key', () => {
  it.each([
    'PRIVATE KEY',
    'RSA PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'PGP PRIVATE KEY BLOCK',
  ])('is masked: %s', (label) => {
    const text = `before ${pem(label)} after`;
    expect(maskCredentials(text)).toBe('before [private key] after');
    expect(JSON.parse(maskCredentials(JSON.stringify({ text, n: 1 })))).toEqual({
      text: 'before [private key] after',
      n: 1,
    });
  });

  it('is masked beside certificates, and as often as it is there', () => {
    const text = [
      pem('CERTIFICATE'),
      pem('PRIVATE KEY'),
      pem('CERTIFICATE'),
      pem('EC PRIVATE KEY'),
    ];
    const masked = [text[0], '[private key]', text[2], '[private key]'];
    expect(maskCredentials(text.join('\n'))).toBe(masked.join('\n'));
  });

  it('that was cut off is masked to the end of its text, which in JSON is not the end of all', () => {
    const cut = 'x -----BEGIN PRIVATE KEY-----\n"MIIEvQ" + "IBADANBg"';
    expect(maskCredentials(cut)).toBe('x [private key]');
    const event = { input: cut, output: 'fine', steps: [{ input: cut, n: 1 }] };
    expect(JSON.parse(maskCredentials(JSON.stringify(event)))).toEqual({
      input: 'x [private key]',
      output: 'fine',
      steps: [{ input: 'x [private key]', n: 1 }],
    });
  });

  it('does not reach from one text of an event into the next', () => {
    const event = { input: '-----BEGIN PRIVATE KEY-----', output: 'fine', note: '-----END X-----' };
    expect(JSON.parse(maskCredentials(JSON.stringify(event)))).toEqual({
      input: '[private key]',
      output: 'fine',
      note: '-----END X-----',
    });
  });
});

describe('masking', () => {
  it('leaves JSON what it is: JSON, of the same shape', () => {
    const secret = fc.constantFrom(
      ...credentials.map(([, credential]) => credential),
      ...['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----', '-----BEGIN ', 'eyJ', 'sk-'],
    );
    const text = fc.array(fc.oneof(fc.string(), secret)).map((parts) => parts.join(''));
    const shape = (value: unknown): unknown =>
      Array.isArray(value) ? value.map(shape) : typeof value === 'object' ? typeof value : null;
    fc.assert(
      fc.property(fc.array(fc.oneof(text, fc.array(text), fc.integer())), (values) => {
        const masked = JSON.parse(maskCredentials(JSON.stringify({ values }))).values;
        expect(shape(masked)).toEqual(shape(values));
      }),
    );
  });

  /** Quadratic work on texts of this size would take minutes, and the test's time would run out. */
  it.each([
    'eyJ-',
    'eyJaaaaaaaa.',
    'eyJaaaaaaaa.eyJbbbbbbbb-',
    'eyJaaaaaaaa.eyJ',
    'sk-',
    'gh',
    'ghp_',
    'xoxb-',
    'bearer bearer ',
    'Bearer a',
    'AKIA',
    '-----BEGIN ',
    '-----BEGIN A',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY----------END ',
    '\\n\\u0001',
  ])('takes time in proportion to the text: %j', (unit) => {
    const text = unit.repeat(2_000_000 / unit.length);
    expect(maskCredentials(text).length).toBeLessThanOrEqual(text.length);
  });
});

describe('maskDeep()', () => {
  const hide = (text: string): string => text.replaceAll('Ada', '…');

  it('masks every text and every key, and leaves all else', () => {
    expect(maskDeep({ Ada: ['Ada', 1, null, { a: 'Ada', b: true }] }, [hide])).toEqual({
      '…': ['…', 1, null, { a: '…', b: true }],
    });
  });

  it('throws what the mask throws, and where it gives no text', () => {
    const fail = (): never => {
      throw new RangeError('a bug');
    };
    expect(() => maskDeep(['a'], [fail])).toThrow(RangeError);
    expect(() => maskDeep(['a'], [() => undefined as never])).toThrow(
      'a mask must return a string',
    );
    expect(() => maskDeep({ a: 1 }, [() => Promise.resolve('') as never])).toThrow(TypeError);
  });
});
