import { describe, expect, test } from 'vitest';
import type { CollectorOptions } from '../../../src/collector/options.ts';
import { resolveOptions } from '../../../src/collector/resolve-options.ts';
import { PhosphoConfigError } from '../../../src/errors.ts';

test('an option comes from the parameter, else the environment, else its default', () => {
  expect(resolveOptions({}, {})).toMatchObject({
    ...{
      database: { kind: 'sqlite', path: './phospho.db' },
      project: 'demo',
      host: '127.0.0.1',
      port: 7700,
    },
    ...{ apiKey: undefined, allowedHosts: [], publicFlags: false, flagWaitMs: 31_000 },
  });
  const environment = {
    PHOSPHO_COLLECTOR_DATABASE: 'sqlite::memory:',
    PHOSPHO_COLLECTOR_PROJECT: 'shop',
    PHOSPHO_COLLECTOR_API_KEY: 'a-key-of-16-or-more',
    PHOSPHO_COLLECTOR_HOST: '0.0.0.0',
    PHOSPHO_COLLECTOR_PORT: '0',
    PHOSPHO_COLLECTOR_ALLOWED_HOSTS: 'a.internal, b.internal,',
    PHOSPHO_COLLECTOR_PUBLIC_FLAGS: 'true',
    PHOSPHO_COLLECTOR_MAX_BODY_BYTES: '2048',
    PHOSPHO_COLLECTOR_RETENTION_DAYS: '30',
    PHOSPHO_COLLECTOR_RETENTION_BYTES: '50000000000',
  };
  expect(resolveOptions({}, environment)).toMatchObject({
    ...{
      database: { kind: 'sqlite', path: ':memory:' },
      retention: { days: 30, bytes: 50_000_000_000 },
      project: 'shop',
      apiKey: 'a-key-of-16-or-more',
      host: '0.0.0.0',
    },
    ...{ port: 0, allowedHosts: ['a.internal', 'b.internal'], publicFlags: true },
    maxBodyBytes: 2048,
  });
  const given = { port: 1, publicFlags: false, allowedHosts: [] };
  expect(resolveOptions(given, environment)).toMatchObject(given);
  expect(resolveOptions({}, { PHOSPHO_COLLECTOR_PORT: '' }).port).toBe(7700);
});

test.each([
  ['1', 1],
  ['true', 1],
  ['3', 3],
  ['0', undefined],
  ['false', undefined],
  ['loopback, 10.0.0.0/8,fd00::/8', ['loopback', '10.0.0.0/8', 'fd00::/8']],
])('behind a proxy is %s: Express trusts %j', (value, trusted) => {
  const environment = { PHOSPHO_COLLECTOR_BEHIND_PROXY: value };
  expect(resolveOptions({}, environment).behindProxy).toEqual(trusted);
});

test('limits are none by default, save for wrong keys, and 0 is none', () => {
  expect(resolveOptions({}, {}).limits).toEqual({
    ...{ requestsPerMinute: undefined, eventsPerMinute: undefined, eventsPerDay: undefined },
    failedKeysPerMinute: 60,
  });
  const environment = {
    PHOSPHO_COLLECTOR_REQUESTS_PER_MINUTE: '1',
    PHOSPHO_COLLECTOR_EVENTS_PER_MINUTE: '2',
    PHOSPHO_COLLECTOR_EVENTS_PER_DAY: '3',
    PHOSPHO_COLLECTOR_FAILED_KEYS_PER_MINUTE: '0',
  };
  expect(resolveOptions({ eventsPerDay: 30 }, environment).limits).toEqual({
    ...{ requestsPerMinute: 1, eventsPerMinute: 2, eventsPerDay: 30 },
    failedKeysPerMinute: undefined,
  });
});

test('certificate and key may come from either place', () => {
  const environment = {
    PHOSPHO_COLLECTOR_TLS_KEY: 'key.pem',
    PHOSPHO_COLLECTOR_TLS_PASSPHRASE: 'secret',
  };
  const tls = { cert: 'cert.pem' } as never;
  expect(resolveOptions({ tls }, environment).tls).toEqual({
    ...{ cert: 'cert.pem', key: 'key.pem', passphrase: 'secret' },
  });
  expect(resolveOptions({}, {}).tls).toBeUndefined();
});

test.each([
  ['sqlite:./a.db', './a.db'],
  ['sqlite:/var/a.db', '/var/a.db'],
  ['sqlite:///var/a.db', '/var/a.db'],
  ['sqlite::memory:', ':memory:'],
])('database %s is the path %s', (database, path) => {
  expect(resolveOptions({ database }, {}).database).toEqual({ kind: 'sqlite', path });
});

test('a PostgreSQL is named by its URL, with the size of its pool', () => {
  const url = 'postgresql://user:p%40ss@host:5433/db?sslmode=require';
  const environment = { PHOSPHO_COLLECTOR_DATABASE: url, PHOSPHO_COLLECTOR_POOL_SIZE: '20' };
  expect(resolveOptions({}, environment).database).toEqual({
    ...{ kind: 'postgres', url, poolSize: 20, partitions: 0 },
  });
});

describe('a value out of range is refused, naming option, range and value:', () => {
  test.each<[CollectorOptions, RegExp]>([
    [
      { port: 65_536 },
      /^port takes an integer from 0 to 65535; 65536 came\. .*PHOSPHO_COLLECTOR_PORT$/,
    ],
    [{ port: 1.5 }, /^port takes/],
    [{ port: Number.NaN }, /^port takes/],
    [{ host: 'http://localhost' }, /^host takes a host name.*"http:\/\/localhost" came/],
    [{ project: '' }, /^project takes 1 to 128/],
    [{ project: 'a b' }, /^project takes/],
    [
      { apiKey: 'short' },
      /^apiKey takes 16 to 512 .*; 5 characters came.*PHOSPHO_COLLECTOR_API_KEY/,
    ],
    [{ database: './phospho.db' }, /^database takes sqlite:<path>/],
    [
      { database: 'mysql://user:hunter2@host/db' },
      /^(?!.*hunter2)database takes .*starts with mysql:, came/,
    ],
    [{ database: 'postgres://user:hunter2@host:port/db' }, /^(?!.*hunter2)database takes/],
    [{ database: 'postgres://user:hunter2@host/d b' }, /^(?!.*hunter2)database takes/],
    [{ database: 'postgres:hunter2' }, /^(?!.*hunter2)database takes/],
    [{ database: 'sqlite::memory:', partitions: 4 }, /^partitions takes 0 with SQLite.*4 came/],
    [{ database: 'postgres://host/db', partitions: 2000 }, /^partitions takes .* 0 to 1024/],
    [{ database: 'postgres://host/db', poolSize: 1 }, /^poolSize takes an integer from 2 to 500/],
    [{ allowedHosts: ['a.internal:80/x'] }, /^allowedHosts takes/],
    [{ allowedHosts: ['a.internal:80'] }, /^allowedHosts takes .*without scheme, port/],
    [{ host: '127.0.0.1:7700' }, /^host takes .*without scheme, port/],
    [{ project: '..' }, /^project takes .*not "\." or "\.\."; "\.\." came/],
    [{ maxBodyBytes: 10 }, /^maxBodyBytes takes an integer from 1024/],
    [{ flagWaitMs: -1 }, /^flagWaitMs takes/],
    [
      { eventsPerDay: -1 },
      /^eventsPerDay takes an integer from 0 to 1000000000; -1 .*_COLLECTOR_EVENTS_PER_DAY$/,
    ],
    [{ failedKeysPerMinute: 1.5 }, /^failedKeysPerMinute takes/],
    [{ behindProxy: 11 }, /^behindProxy takes true .*1 to 10.*; 11 came.*_BEHIND_PROXY$/],
    [{ behindProxy: 0 }, /^behindProxy takes/],
    [{ behindProxy: '' }, /^behindProxy takes/],
    [{ behindProxy: 'proxy.internal' }, /^behindProxy takes .*; "proxy\.internal" came/],
    [{ behindProxy: ['10.0.0.0/33'] }, /^behindProxy takes/],
    [{ behindProxy: '0.0.0.0/0' }, /^behindProxy takes/],
    [{ tls: { cert: 'x', key: '' } }, /^tls\.key takes .*PHOSPHO_COLLECTOR_TLS_KEY$/],
    [{ retentionDays: 1.5 }, /^retentionDays takes an integer from 0 to 36500; 1.5 came/],
    [{ retentionBytes: -1 }, /^retentionBytes takes .*PHOSPHO_COLLECTOR_RETENTION_BYTES/],
  ])('%j', (options, message) => {
    expect(() => resolveOptions(options, {})).toThrow(PhosphoConfigError);
    expect(() => resolveOptions(options, {})).toThrow(message);
  });
});
