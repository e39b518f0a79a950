import { Phospho, PhosphoConfigError, type PhosphoOptions } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SECRET } from '../helpers/ledger.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What is thrown for options that TypeScript would not let pass. */
function refusal(options: unknown): Error {
  try {
    new Phospho(options as PhosphoOptions);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the options should have been refused');
}

const throwing = () => {
  throw new Error();
};
const badToString = { toString: throwing, toJSON: throwing };

describe('new Phospho()', () => {
  it.each<[unknown, RegExp]>([
    [null, /new Phospho\(\) takes an object, got null/],
    [[], /takes an object, got an array/],
    ['key', /takes an object, got "key" \(string\)/],
    [{ apikey: 'x' }, /no option "apikey"; it takes: apiKey, projectId/],
    [{ toString: 'x' }, /no option "toString"/],
    [{ apiKey: 7 }, /option apiKey must be a string, got 7 \(number\)/],
    [{ projectId: ['p'] }, /option projectId must be a string, got an array/],
    [{ baseUrl: 'not a url' }, /baseUrl is not a URL.*Received: "not a url"/],
    [{ enabled: 'false' }, /option enabled must be a boolean, got "false" \(string\)/],
    [{ allowInsecureHttp: 1 }, /option allowInsecureHttp must be a boolean, got 1/],
    [{ environment: 1n }, /option environment must be a string, got 1 \(bigint\)/],
    [{ versionId: Symbol('v') }, /option versionId must be a string, got Symbol\(v\)/],
    [{ mask: 'x' }, /option mask must be a function/],
    [{ handleSignals: 'SIGTERM' }, /option handleSignals must be a boolean, got "SIGTERM"/],
    [{ waitUntil: Promise.resolve() }, /option waitUntil must be a function, got an object/],
    [{ onDrop: {} }, /option onDrop must be a function, got an object/],
    [{ onError: badToString }, /option onError must be a function, got an object/],
    [{ onAccepted: true }, /option onAccepted must be a function, got true/],
    [{ onDelivered: 1 }, /option onDelivered must be a function, got 1/],
    [
      { logLevel: 'loud' },
      /logLevel .*PHOSPHO_LOG_LEVEL.* one of silent, error, warn, info, debug, got "loud"/,
    ],
    [{ logLevel: 1n }, /logLevel .*got 1 \(bigint\)/],
    [
      { logger: {} },
      /option logger must be an object with the method\(s\) debug, info, warn, error/,
    ],
    [{ logger: null }, /option logger .*got null/],
    [{ exporter: {} }, /option exporter .*export, flag/],
    [{ exporter: { export() {} } }, /option exporter .*export, flag/],
    [{ dispatcher: 'http://proxy' }, /option dispatcher .*dispatch, got "http:\/\/proxy"/],
    [{ feedback: 'x' }, /option feedback takes an object/],
    [{ feedback: { secrets: [] } }, /option feedback has no option "secrets"; it takes: secret/],
    [
      { feedback: { secret: 'short' } },
      /feedback\.secret .*PHOSPHO_FEEDBACK_SECRET.*at least 32 characters, got 5; .*openssl/,
    ],
    [{ feedback: { secret: 7 } }, /feedback\.secret .*got 7 \(number\)/],
    [{ feedback: { secret: [SECRET, 'short'] } }, /feedback\.secret .*got 5/],
    [{ feedback: { secret: '' } }, /feedback\.secret .*got 0/],
    [{ feedback: { authorize: true } }, /option feedback\.authorize must be a function/],
    [{ feedback: { acceptBareIds: 'no' } }, /option feedback\.acceptBareIds must be a boolean/],
    [{ feedback: { origins: 'https://a.example' } }, /option feedback\.origins must be a list/],
    [
      { feedback: { origins: ['https://a.example/'] } },
      /feedback\.origins .*such as "https:.*got "https:\/\/a\.example\/"/,
    ],
    [{ feedback: { origins: ['a.example'] } }, /feedback\.origins .*got "a\.example"/],
    [{ feedback: { origins: [7] } }, /feedback\.origins .*got 7/],
    [{ delivery: null }, /option delivery takes an object, got null/],
    [{ delivery: 5 }, /option delivery takes an object, got 5/],
    [
      { delivery: { linger: 5 } },
      /option delivery has no option "linger"; it takes: maxBatchEvents/,
    ],
    [{ delivery: { toString: 5 } }, /option delivery has no option "toString"/],
  ])('refuses %o with a message that helps', (options, message) => {
    const error = refusal(options);
    expect(error).toBeInstanceOf(PhosphoConfigError);
    expect(error.message).toMatch(message);
  });

  it.each([
    ['maxBatchEvents', 1, 1_000],
    ['maxBatchBytes', 1_024, 67_108_864],
    ['lingerMs', 0, 60_000],
    ['concurrency', 1, 10],
    ['maxQueueEvents', 1, 10_000_000],
    ['maxQueueBytes', 1_024, 1_073_741_824],
    ['maxAgeMs', 1_000, 604_800_000],
  ])('takes delivery.%s from %i to %i, whole numbers only', (name, min, max) => {
    for (const value of [min, max, undefined]) {
      expect(() => new Phospho({ delivery: { [name]: value } })).not.toThrow();
    }
    const range = `option delivery.${name} must be a whole number from ${min} to ${max}, got `;
    for (const [value, shown] of [
      [min - 1, `${min - 1} (number)`],
      [max + 1, `${max + 1} (number)`],
      [1.5, '1.5 (number)'],
      [Number.NaN, 'NaN (number)'],
      [Number.POSITIVE_INFINITY, 'Infinity (number)'],
      ['5', '"5" (string)'],
      [5n, '5 (bigint)'],
      [badToString, 'an object'],
    ]) {
      const error = refusal({ delivery: { [name as string]: value } });
      expect(error).toBeInstanceOf(PhosphoConfigError);
      expect(error.message).toBe(range + shown);
    }
  });

  it('reads PHOSPHO_LOG_LEVEL and PHOSPHO_FEEDBACK_SECRET, and says so when they are bad', () => {
    vi.stubEnv('PHOSPHO_LOG_LEVEL', 'loud');
    expect(refusal({}).message).toContain('PHOSPHO_LOG_LEVEL');
    vi.stubEnv('PHOSPHO_LOG_LEVEL', ' debug ');
    vi.stubEnv('PHOSPHO_FEEDBACK_SECRET', 'short');
    expect(refusal({}).message).toContain('PHOSPHO_FEEDBACK_SECRET');
    vi.stubEnv('PHOSPHO_FEEDBACK_SECRET', '');
    expect(() => new Phospho({})).not.toThrow();
  });

  it('never prints the secret that it refuses', () => {
    const secret = 'hunter2-hunter2';
    expect(refusal({ feedback: { secret } }).message).not.toContain('hunter2');
    expect(refusal({ baseUrl: `https://user:${secret}@h/v2` }).message).not.toContain('hunter2');
  });

  it('takes every option undefined, and everything right', () => {
    const names = [
      'apiKey',
      'projectId',
      'baseUrl',
      'enabled',
      'environment',
      'versionId',
      'logger',
    ];
    const more = [
      'handleSignals',
      'waitUntil',
      'logLevel',
      'mask',
      'feedback',
      'delivery',
      'exporter',
      'dispatcher',
      'onDrop',
    ];
    const all = Object.fromEntries([...names, ...more].map((name) => [name, undefined]));
    expect(() => new Phospho(all as PhosphoOptions)).not.toThrow();
    const right: PhosphoOptions = {
      apiKey: 'k',
      projectId: 'p',
      baseUrl: 'https://h/v2/',
      exporter: new InMemoryExporter(),
      logger: console,
      logLevel: 'silent',
      feedback: {
        secret: [SECRET],
        authorize: () => true,
        acceptBareIds: true,
        origins: [
          'https://app.example.com',
          'http://localhost:3000',
          'capacitor://localhost',
          'null',
        ],
      },
    };
    expect(() => new Phospho(right)).not.toThrow();
  });

  it('does nothing while disabled, by option or by PHOSPHO_DISABLED', async () => {
    for (const value of ['1', 'true', 'YES', 'on']) {
      vi.stubEnv('PHOSPHO_DISABLED', value);
      const phospho = new Phospho({ exporter: new InMemoryExporter() });
      phospho.log({ input: 'x' });
      phospho.flag('t', 'success');
      expect((await phospho.shutdown()).events.captured).toBe(0);
      expect(new Phospho({ enabled: true }).isEnabled).toBe(true);
    }
    for (const value of ['0', 'false', '', 'no']) {
      vi.stubEnv('PHOSPHO_DISABLED', value);
      expect(new Phospho().isEnabled).toBe(true);
      expect(new Phospho({ enabled: false }).isEnabled).toBe(false);
    }
  });
});
