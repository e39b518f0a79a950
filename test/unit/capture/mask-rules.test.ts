import fc from 'fast-check';
import { maskRules, PhosphoConfigError } from 'phospho-express';
import { describe, expect, it } from 'vitest';

const { emails, phones, cards, ibans, ipAddresses } = maskRules;

/** What each rule finds alone, and what it leaves alone. */
const RULES = [
  {
    name: 'emails',
    mask: emails,
    marker: '[email]',
    finds: ['ada@example.com', 'ada.l+news@mail.example.co.uk', "o'brien@x.ie", 'jörg@müller.de'],
    leaves: [
      '@decorator class X {}',
      'npm i @scope/pkg@1.2.3',
      'react@18.2.0-rc.alpha',
      'git@github.com:owner/name.git',
      'root@localhost',
      'meet @ 5 p.m.',
      'a@b',
    ],
  },
  {
    name: 'phones',
    mask: phones,
    marker: '[phone]',
    finds: [
      '+33 6 12 34 56 78',
      '+4915112345678',
      '+44 (0)20 7946 0958',
      '+1 (415) 555-2671',
      '0033 6 12 34 56 78',
      '415-555-2671',
      '415.555.2671',
      '(415) 555-2671',
      '1-800-555-0199',
      '06 12 34 56 78',
      '06.12.34.56.78',
      '0612345678',
      '020 7946 0958',
      '(030) 1234567',
      '030/123 45 67',
      '090-1234-5678',
    ],
    leaves: [
      'in 1999, 2000 and 2001',
      '$1,234,567.89 or €12.50 or 1 234 567 EUR',
      '2024-01-15, 15.01.2024, 01/02/2024 12:30',
      '2024-11-24T20:47:12+01:00',
      '1732480000000',
      '550e8400-e29b-41d4-a716-446655440000',
      '12345678-4155-5526-7112-345678901234',
      'order ORD-415-555-2671, ticket #0612345678',
      'ISBN 0306406152',
      '256 512 1024 2048',
      '01 02 03 04 05 06 07',
      'pi is 3.14159265, +3.14159265, 0.123456789',
      'x = a+12345678; y[10] = 0x0612345678',
      '192.168.100.200',
      '123-45-6789',
    ],
  },
  {
    name: 'cards',
    mask: cards,
    marker: '[card]',
    finds: [
      '4111111111111111',
      '4111 1111 1111 1111',
      '5555-5555-5555-4444',
      '2223003122003222',
      '378282246310005',
      '3782 822463 10005',
      '30569309025904',
      '6011111111111117',
      '3530111333300000',
    ],
    leaves: [
      '4111111111111112',
      '1732480000000 1732480000000000',
      'id_4111111111111111',
      '0.4111111111111111',
      '41111111111111111111',
      '12345678-4111-1111-1111-111111111111',
      '1999 2000 2001 2002',
      '9781234567897',
    ],
  },
  {
    name: 'ibans',
    mask: ibans,
    marker: '[iban]',
    finds: [
      'DE89 3704 0044 0532 0130 00',
      'DE89370400440532013000',
      'gb29 nwbk 6016 1331 9268 19',
      'FR14 2004 1010 0505 0001 3M02 606',
      'NO93-8601-1117-947',
    ],
    leaves: [
      'DE89 3704 0044 0532 0130 01',
      'XX89370400440532013000',
      'XDE89370400440532013000',
      'DE893704004405320130001',
      'AB12 is a shelf',
    ],
  },
  {
    name: 'ipAddresses',
    mask: ipAddresses,
    marker: '[ip]',
    finds: ['203.0.113.7', '10.0.0.1', '2001:db8::1', 'fe80::1', '::ffff:203.0.113.7'],
    leaves: [
      'v1.2.3.4',
      'version 1.2.3.4',
      'Chrome/120.0.0.0',
      'pkg-1.2.3.4.tgz, pkg==1.2.3.4',
      '1.3.6.1.4.1',
      '256.1.1.1',
      '127.0.0.1 and 0.0.0.0 and ::1',
      'std::vector, dead::beef, a[1::2]',
      '12:34:56',
      '00:1a:2b:3c:4d:5e',
      '3.14',
    ],
  },
];

/** Around what is to be found: prose, marks, other scripts, line ends, the escapes of JSON in a string. */
const around = fc.string({
  unit: fc.constantFrom('so ', ' ', '. ', '\n', '"', ' é', '你好', ', ', '\t', ': ', '{"', ' (x) '),
  maxLength: 12,
});
const before = fc.tuple(
  around,
  fc.constantFrom(' ', '\n', '"', '\\n', '\\t', '\\u000a', '你', '<'),
);
const after = fc.tuple(fc.constantFrom(' ', '"', '\\n', ', ', '你', '>', ';'), around);

describe.each(RULES)('maskRules.$name', ({ mask, marker, finds, leaves }) => {
  it.each(finds)('finds %s alone and at the end of a sentence', (found) => {
    expect(mask(found)).toBe(marker);
    expect(mask(`It is ${found}. And more.`)).toBe(`It is ${marker}. And more.`);
  });

  it.each(leaves)('leaves alone: %s', (text) => {
    expect(mask(text)).toBe(text);
    expect(mask(`so ${text} then`)).toBe(`so ${text} then`);
  });

  it('finds it whatever is around, and nothing else of that', () => {
    fc.assert(
      fc.property(before, fc.constantFrom(...finds), after, (head, found, tail) => {
        const [left, right] = [head.join(''), tail.join('')];
        expect(mask(`${left}${found}${right}`)).toBe(`${left}${marker}${right}`);
      }),
    );
  });

  it('finds each of many', () => {
    expect(mask(finds.join('; '))).toBe(finds.map(() => marker).join('; '));
  });

  it('changes nothing the second time', () => {
    const any = fc.array(fc.oneof(fc.string(), fc.constantFrom(...finds, ...leaves)));
    fc.assert(
      fc.property(any, (parts) => {
        // What touches a number that is masked first may be one by itself afterwards.
        const once = mask(parts.join('\n'));
        expect(mask(once)).toBe(once);
      }),
    );
  });

  it('leaves UUIDs, times and texts without a digit or @ alone', () => {
    const day = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });
    const harmless = fc.oneof(
      fc.uuid(),
      day.map((date) => date.toISOString()),
      day.map((date) => String(date.getTime())),
      fc.string().map((text) => text.replace(/[\d@:]/g, '')),
    );
    fc.assert(
      fc.property(harmless, (text) => {
        expect(mask(text)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves JSON what it is where it is applied to JSON text within a string', () => {
    const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom(...finds)));
    fc.assert(
      fc.property(texts, (values) => {
        const masked = JSON.parse(mask(JSON.stringify({ values })));
        expect(masked.values).toHaveLength(values.length);
      }),
    );
  });
});

it('maskRules.phones finds other numbers after a word that says what they are', () => {
  expect(phones('phone: 5552671')).toBe('phone: [phone]');
  expect(phones('my mobile number is 98765 43210.')).toBe('my mobile number is [phone].');
  expect(phones('Tel. 612 345 678')).toBe('Tel. [phone]');
  expect(phones('I have 612 345 678 of them')).toBe('I have 612 345 678 of them');
});

describe('maskRules.cards', () => {
  it('finds what has the right check digit, and no other', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^4\d{14}$/), (start) => {
        const all = [...'0123456789'].map((digit) => cards(start + digit));
        expect(all.filter((text) => text === '[card]')).toHaveLength(1);
      }),
    );
  });
});

describe('maskRules.keys()', () => {
  const mask = maskRules.keys(['password', 'api_key']);

  it.each([
    ['{"password":"x","a":1}', '{"password":"[masked]","a":1}'],
    ['{"apiKey": {"a": [1, "]"]}, "b": 2}', '{"apiKey": "[masked]", "b": 2}'],
    ['{"API-KEY":12.5e3,"c":true}', '{"API-KEY":"[masked]","c":true}'],
    ['set "password": "hun\\"ter", ok?', 'set "password": "[masked]", ok?'],
    ['{"password":"a\\\\","b":"c"}', '{"password":"[masked]","b":"c"}'],
    [
      '{"x":"{\\"password\\":\\"y\\",\\"b\\":1}"}',
      '{"x":"{\\"password\\":\\"[masked]\\",\\"b\\":1}"}',
    ],
    ['{"password":"cut off in the mid', '{"password":"[masked]"'],
    ['{"x":"{\\"password\\":\\"cut","y":1}', '{"x":"{\\"password\\":\\"[masked]\\"","y":1}'],
    [
      '{"x":"{\\"password\\":{\\"a\\":\\"cut","y":1}',
      '{"x":"{\\"password\\":\\"[masked]\\"","y":1}',
    ],
  ])('masks the value in %s', (text, masked) => {
    expect(mask(text)).toBe(masked);
    expect(mask(masked)).toBe(masked);
  });

  it.each(['{"password":null}', '{"password_hint":"x"}', 'the "password" is long', 'password: x'])(
    'leaves alone: %s',
    (text) => {
      expect(mask(text)).toBe(text);
    },
  );

  it('hides the value at any depth, in JSON at up to three levels of quoting, and keeps the JSON', () => {
    const secret = 'the-secret';
    const value = fc.oneof(
      fc.constant<unknown>(secret),
      fc.array(fc.constant(secret)),
      fc.dictionary(fc.string(), fc.constant(secret)),
      fc.string().map((text) => text + secret + text),
    );
    const other = fc.jsonValue({ maxDepth: 2 });
    fc.assert(
      fc.property(value, other, other, fc.nat(3), (hidden, one, two, levels) => {
        let text = JSON.stringify({ one, deep: [{ password: hidden, two }] });
        for (let level = 0; level < levels; level++) text = JSON.stringify({ text });
        let masked = mask(text);
        expect(masked).not.toContain(secret);
        for (let level = 0; level < levels; level++) masked = JSON.parse(masked).text;
        const expected = JSON.stringify({ one, deep: [{ password: '[masked]', two }] });
        expect(JSON.parse(masked)).toEqual(JSON.parse(expected));
      }),
    );
  });

  it.each([undefined, [], 'password', [''], [7], ['-']])('refuses %j', (names) => {
    expect(() => maskRules.keys(names as never)).toThrow(PhosphoConfigError);
    expect(() => maskRules.keys(names as never)).toThrow('a list of names such as ["password"]');
  });
});
