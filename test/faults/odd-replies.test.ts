import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { PhosphoAnswerError, PhosphoServerError } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { illServer, storing } from './helpers/ill-server.ts';
import { expectAllStored, surviveOutage } from './helpers/outage.ts';
import { TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const MiB = 1024 * 1024;

function reply(of: (answer: string) => string | Buffer, head = {}, status = 200) {
  return (response: ServerResponse, answer: string) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...head })
      .end(of(answer));
}

const entries = (change: (entries: unknown[]) => unknown) => (answer: string) =>
  JSON.stringify({ logged_events: change(JSON.parse(answer).logged_events) });

const odd: [string, (response: ServerResponse, answer: string) => void][] = [
  ['a page', reply(() => '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' })],
  ['plain words', reply(() => 'OK')],
  ['half of its JSON', reply((answer) => answer.slice(0, answer.length / 2))],
  ['nothing', reply(() => '')],
  ['a 204', reply(() => '', {}, 204)],
  ['null', reply(() => 'null')],
  ['a list', reply((answer) => `[${answer}]`)],
  ['no list of results', reply(() => '{"logged_events":"all of them"}')],
  ['a result too few', reply(entries((all) => all.slice(1)))],
  ['a result too many', reply(entries((all) => [...all, {}]))],
  ['bytes that are no UTF-8', reply(() => Buffer.from([0xff, 0xfe, 0, 0xc0, 0x80]))],
  [
    'gzip that nobody asked for',
    reply((answer) => gzipSync(answer), { 'content-encoding': 'gzip' }),
  ],
  ['a hundred thousand brackets', reply(() => '['.repeat(1e5) + ']'.repeat(1e5))],
  ['5 MiB of noise', reply(() => Buffer.alloc(5 * MiB, 'noise '))],
];

describe.concurrent('a 200 whose body is', { timeout: TEST_MS }, () => {
  it.for(odd)(
    '%s counts as a failure: all is sent again, and stored once',
    async ([, answer], t) => {
      await surviveOutage(t, {
        illness: storing(answer),
        error: PhosphoAnswerError,
        durationMs: 700,
      });
    },
  );

  it('the right answer in 5 MiB is taken, and nothing is sent again', async (t) => {
    const pad = ' '.repeat(5 * MiB);
    const server = await illServer(t, storing(reply((answer) => answer.replace('[', `[${pad}`))));
    const { phospho, errors } = watch(t, { baseUrl: server.url });
    for (const taskId of ['a', 'b']) phospho.log({ input: 'x', taskId });
    const { events } = await phospho.flush({ timeoutMs: 60_000 });
    expect(events.delivered).toBe(2);
    expect(Math.max(...server.double.storings.values())).toBe(1);
    expectAllStored(server, ['a', 'b']);
    expect(errors).toEqual([]);
  });

  it('without an end is cut off at a limit, and sent again', async (t) => {
    let written = 0;
    const endless = storing((response) => {
      response.writeHead(200);
      const more = () => {
        if (response.destroyed) return;
        written += MiB;
        response.write(Buffer.alloc(MiB, ' '), more);
      };
      more();
    });
    const server = await illServer(t, (...exchange) => {
      server.heal();
      endless(...exchange);
    });
    const { phospho, errors } = watch(t, { baseUrl: server.url });
    phospho.log({ input: 'x', taskId: 'a' });
    const { events } = await phospho.flush({ timeoutMs: 60_000 });
    expect(events.delivered).toBe(1);
    expect(errors).toEqual([expect.any(PhosphoAnswerError)]);
    // What is in the sockets' buffers comes on top.
    expect(written).toBeLessThan(100 * MiB);
  });
});

describe.concurrent('an outcome for each event', { timeout: TEST_MS }, () => {
  it('is taken by its place, whatever else the entry says; nothing is sent again', async (t) => {
    const says: unknown[] = [
      {},
      { error_in_log: 'input: field required' },
      { error_in_log: 'Max usage quota reached for project: p' },
      null,
      7,
      'fine',
      [],
      { error_in_log: null },
      { error_in_log: { loc: ['input'], msg: 'missing' } },
      { error_in_log: '' },
    ];
    const server = await illServer(t, storing(reply(entries(() => says))));
    const { phospho, drops, errors } = watch(t, {
      baseUrl: server.url,
      delivery: { maxBatchEvents: says.length, lingerMs: 60_000 },
    });
    const ids = says.map((_, index) => `t${index}`);
    for (const taskId of ids) phospho.log({ input: 'x', taskId });
    await server.double.arrived(1);
    const { events } = await phospho.flush();
    expect(server.double.batches).toEqual([ids]);
    expect(errors).toEqual([]);
    expect(events).toMatchObject({ delivered: 6, deadLettered: 3, dropped: { quota: 1 } });
    expect(drops.map(({ reason, taskIds }) => [reason, ...taskIds])).toEqual([
      ['refused', 't1'],
      ['quota', 't2'],
      ['refused', 't8'],
      ['refused', 't9'],
    ]);
  });
});

describe.concurrent('a 5xx whose body is', { timeout: TEST_MS }, () => {
  const bodies: [string, string | Buffer][] = [
    ['5 MiB of noise', Buffer.alloc(5 * MiB, 'noise ')],
    ['a detail nested a hundred thousand deep', `{"detail":${'['.repeat(1e5)}${']'.repeat(1e5)}}`],
    ['a detail of a million keys', JSON.stringify({ detail: { ...Array(1e5).fill(0) } })],
    ['escape codes and line ends', '{"detail":"\\u001b[31mred\\r\\nHTTP/1.1 200"}'],
  ];

  it.for(bodies)('%s is an error of one short line, and costs nothing', async ([, body], t) => {
    const { errors } = await surviveOutage(t, {
      illness: storing(reply(() => body, {}, 500)),
      error: PhosphoServerError,
      durationMs: 700,
    });
    for (const { message } of errors as Error[]) {
      expect(message.length).toBeLessThan(1_000);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in it
      expect(message).not.toMatch(/[\u0000-\u001f]/);
    }
  });
});
