import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { documentOf } from '../../src/collector/openapi/document.ts';
import { ROUTES } from '../../src/collector/routes/routes.ts';
import { at, NASTY_TEXTS, valuesOf } from '../helpers/json-arbitrary.ts';
import { startJudge, verdict } from '../helpers/judge-server.ts';
import { watchAnswers } from './checked-answers.ts';

/** Requests in all; 10 000 take some minutes. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 600);
const MAX_BODY = 256 * 1024;

const DOCUMENT = JSON.parse(JSON.stringify(documentOf(ROUTES)));
/** Ids that are there, in this project and in another. */
const KNOWN = ['demo', 't', 's', 'success', 'failure', 'other', 'their-task', 'their-session'];

interface Operation {
  requestBody?: { content: { 'application/json': { schema: Record<string, unknown> } } };
}

interface Call {
  /** Which of the document's it was made for. */
  operation?: string;
  method: string;
  path: string;
  body: Buffer | undefined;
  headers: Record<string, string>;
}

const encoded = (texts: fc.Arbitrary<string>) =>
  texts.map((text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')) || '%20');
const strangePart = encoded(
  fc.oneof(fc.constantFrom(...NASTY_TEXTS), fc.string({ unit: 'binary', maxLength: 8 })),
);
const pathPart = fc.oneof(
  { weight: 3, arbitrary: encoded(fc.constantFrom(...KNOWN)) },
  { weight: 1, arbitrary: strangePart },
);
const malformedPart = fc.constantFrom('%', '%E0%A4%A', '%ff', '%00', '%2e%2e', '%ed%a0%80', '%2F');

const query = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.integer({ min: -1, max: 12_000 }).map((n) => `?limit=${n}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['?limit=', '?limit=%', '?limit=1&limit=2', '?limit[]=1', '?limit=1e9', '?__proto__=1'],
      ...[
        '?limit=%00',
        '?with_events=True',
        '?with_events=maybe',
        '?%E0',
        `?x=${'y'.repeat(4000)}`,
      ],
    ),
  },
);

/** JSON as text, with what JSON.stringify never writes. */
const writing = fc.constantFrom<(json: string) => string | Buffer>(
  ...Array.from({ length: 12 }, () => (json: string) => json),
  (json) => json.replace(/-?\d+(\.\d+)?/, '1e999'),
  (json) => json.replace(/-?\d+(\.\d+)?/, '123456789012345678901234567890'),
  (json) => json.replace(/^\{/, '{"__proto__":{"polluted":1},"project_id":"other",'),
  (json) => json.replace(/null|true|"x"/, `${'['.repeat(9000)}${']'.repeat(9000)}`),
  (json) => json.slice(0, json.length / 2),
  (json) => `${json}${json}`,
  (json) => `\ufeff${json}`,
  (json) =>
    Buffer.concat([
      Buffer.from(json.slice(0, 9)),
      Buffer.from([0xff, 0xfe, 0xc0]),
      Buffer.from(json.slice(9)),
    ]),
  (json) => json.replace(/"/, '"\u0000'),
  (json) => json.replace(/:\s*"/, ':"\\ud800'),
  () => '',
);

/** How the body travels: as it is, compressed, or as something that it is not. */
const travel = fc.constantFrom<(body: Buffer) => { body: Buffer; headers: Record<string, string> }>(
  ...Array.from({ length: 10 }, () => (body: Buffer) => ({ body, headers: {} })),
  (body) => ({ body: gzipSync(body), headers: { 'content-encoding': 'gzip' } }),
  (body) => ({ body: brotliCompressSync(body), headers: { 'content-encoding': 'br' } }),
  (body) => ({ body: deflateSync(body), headers: { 'content-encoding': 'deflate' } }),
  (body) => ({ body: deflateRawSync(body), headers: { 'content-encoding': 'deflate' } }),
  (body) => ({ body: gzipSync(body).subarray(0, -6), headers: { 'content-encoding': 'gzip' } }),
  (body) => ({ body, headers: { 'content-encoding': 'gzip' } }),
  (body) => ({ body, headers: { 'content-encoding': 'x-nothing' } }),
  () => ({ body: gzipSync(BOMB), headers: { 'content-encoding': 'gzip' } }),
  () => ({ body: brotliCompressSync(BOMB), headers: { 'content-encoding': 'br' } }),
  () => ({ body: deflateSync(BOMB), headers: { 'content-encoding': 'deflate' } }),
  (body) => ({ body, headers: { 'content-type': 'text/plain' } }),
  (body) => ({ body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  (body) => ({ body, headers: { 'content-type': 'application/json; charset=utf-16' } }),
  (body) => ({ body, headers: { 'content-type': 'application/json; charset=nonsense' } }),
  (body) => ({ body, headers: { 'content-type': '' } }),
);
const BOMB = Buffer.from(`{"input":"${'x'.repeat(8_000_000)}"}`);

const header = fc.constantFrom<Record<string, string>>(
  ...Array.from({ length: 12 }, () => ({})),
  { 'x-request-id': 'a'.repeat(1000) },
  { 'x-request-id': '{"$x":1}' },
  { authorization: 'Bearer ' },
  { authorization: 'Bearer __proto__' },
  { 'x-http-method-override': 'DELETE' },
);

/** What stands for a test's id until one has been made. */
const TEST = 'the-test';
/** What stands for the id of a key of the project that is administered. */
const THE_KEY = 'the-key';
/** It is administered, so that the others stay as they are. */
const ADMINISTERED = 'administered';
const ADMIN_TOKEN = 'the-admin-token-of-the-fuzz';
const OWN: Record<string, string> = {
  '{project_id}': 'demo',
  '{key_id}': THE_KEY,
  '{task_id}': 't',
  '{session_id}': 's',
  '{test_id}': TEST,
};

/** A call of one of the document's operations, right in most of its parts. */
const calls: fc.Arbitrary<Call> = fc
  .constantFrom(
    ...Object.entries(DOCUMENT.paths as Record<string, Record<string, Operation>>).flatMap(
      ([path, operations]) =>
        Object.entries(operations).map(([method, { requestBody }]) => ({
          path,
          method,
          requestBody,
        })),
    ),
  )
  .chain(({ path, method, requestBody }) => {
    const schema = requestBody?.content['application/json'].schema;
    const parts = path.split('/').map((part) => {
      if (!part.startsWith('{')) return fc.constant(part);
      const isAdmin = path.startsWith('/v2/admin') || method === 'delete';
      const own = isAdmin && part === '{project_id}' ? ADMINISTERED : (OWN[part] ?? 'none');
      return fc.oneof(
        { weight: 8, arbitrary: fc.constant(own) },
        { weight: 3, arbitrary: isAdmin ? strangePart : pathPart },
        { weight: 1, arbitrary: malformedPart },
      );
    });
    return fc
      .record({
        parts: fc.tuple(...parts),
        slash: fc.constantFrom('', '', '/'),
        query,
        value: schema ? valuesOf(schema, DOCUMENT, KNOWN) : fc.constant(undefined),
        write: writing,
        send: travel,
        header,
        verb: fc.constantFrom(
          ...Array.from({ length: 20 }, () => method.toUpperCase()),
          'PUT',
          'DELETE',
        ),
      })
      .map(({ parts, slash, query, value, write, send, header, verb }) => {
        const target = `${parts.join('/')}${slash}${query}`;
        const operation = `${method} ${path}`;
        if (value === undefined || verb === 'GET')
          return { operation, method: verb, path: target, body: undefined, headers: header };
        const { body, headers } = send(Buffer.from(write(JSON.stringify(value))));
        return {
          operation,
          method: verb,
          path: target,
          body,
          headers: { 'content-type': 'application/json', ...headers, ...header },
        };
      });
  });

/** Two projects in one database; `demo` is the one that is entered. */
async function fuzzed() {
  const directory = mkdtempSync(join(tmpdir(), 'phospho-fuzz-'));
  const judge = await startJudge(() => verdict('same'));
  const options = {
    database: `sqlite:${join(directory, 'phospho.db')}`,
    ...{ port: 0, flagWaitMs: 0, failedKeysPerMinute: 0, maxBodyBytes: MAX_BODY, logger: quiet },
    judge: { baseUrl: judge.baseUrl, model: 'judge' },
    adminToken: ADMIN_TOKEN,
    // Wrong keys are a part of it; all of them come from one address.
    failedKeysPerMinute: 0,
  };
  const said: string[] = [];
  function note(message: string): void {
    said.push(message);
  }
  Object.assign(quiet, { debug: note, info: note, warn: note, error: note });
  const demo = await createCollector(options);
  const other = await createCollector({ ...options, project: 'other' });
  const dispatcher = new Agent({ connections: 4, headersTimeout: 30_000, bodyTimeout: 30_000 });
  onTestFinished(async () => {
    await dispatcher.close();
    await demo.close();
    await other.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const faults = watchAnswers(demo.app);
  await demo.listen();
  await other.listen();
  let theKey = '';
  let adminKey = '';
  const as = (collector: typeof demo) => async (call: Call) => {
    const ofProject = call.method === 'DELETE' ? adminKey : collector.apiKey;
    const bearer = call.path.startsWith('/v2/admin') ? ADMIN_TOKEN : ofProject;
    const path = call.path.replace(THE_KEY, theKey);
    const { statusCode: status, body } = await request(`${collector.url}${path}`, {
      method: call.method as 'POST',
      headers: { authorization: `Bearer ${bearer}`, ...call.headers },
      body: call.body ?? null,
      dispatcher,
    });
    const text = await body.text();
    return { status, text };
  };
  const json = (path: string, value: object): Call => ({
    ...{ method: 'POST', path, headers: { 'content-type': 'application/json' } },
    body: Buffer.from(JSON.stringify(value)),
  });
  await as(demo)(
    json('/v2/log/demo', { batched_log_events: [{ task_id: 't', session_id: 's', input: 'x' }] }),
  );
  await as(demo)(json('/v2/admin/projects', { id: ADMINISTERED }));
  const keys = `/v2/admin/projects/${ADMINISTERED}/keys`;
  theKey = JSON.parse((await as(demo)(json(keys, {}))).text).id;
  const admin = await as(demo)(json(keys, { scopes: ['admin'] }));
  adminKey = JSON.parse(admin.text).api_key;
  const theirs = [
    { task_id: 'their-task', session_id: 'their-session', input: 'secret-of-theirs' },
  ];
  await as(other)(json('/v2/log/other', { batched_log_events: theirs }));
  return { demo: as(demo), other: as(other), json, faults, said };
}

const quiet = {} as Console;

test('no call of any route fails, whatever is sent: a 4xx says why, and what is acknowledged is stored', {
  timeout: 120_000 + RUNS * 200,
}, async () => {
  const { demo, other, json, faults, said } = await fuzzed();
  const before = await other({ ...json('/v2/projects/other/tasks', {}) });
  const acknowledged = new Set(['t']);
  const seen = new Map<number, number>();

  await fc.assert(
    fc.asyncProperty(calls, async (call) => {
      const { status, text } = await demo(call);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      expect(faults).toEqual([]);
      expect(status < 500 || status === 503).toBe(true);
      expect(text).not.toContain('secret-of-theirs');
      if (status !== 200) {
        if (call.method !== 'HEAD') expect(JSON.parse(text).detail).toBeTruthy();
      } else if (call.path.startsWith('/v2/log/')) {
        for (const { task_id } of JSON.parse(text).logged_events)
          if (task_id !== undefined) acknowledged.add(task_id);
      } else if (/^\/v2\/tasks\/?(\?|$)/.test(call.path)) {
        acknowledged.add(JSON.parse(text).id);
      }
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    }),
    { numRuns: RUNS },
  );

  const { text: keys } = await demo({
    ...{ method: 'GET', path: '/v2/admin/projects/demo/keys', body: undefined, headers: {} },
  });
  expect(JSON.parse(keys).keys).toHaveLength(1);
  // Enough of it was right to reach the routes themselves.
  expect(seen.get(200) ?? 0).toBeGreaterThan(RUNS / 10);
  const ids = [...acknowledged];
  for (let start = 0; start < ids.length; start += 1000) {
    const part = ids.slice(start, start + 1000);
    const { text } = await demo(
      json('/v2/projects/demo/tasks', { filters: { tasks_ids: part }, limit: 10_000 }),
    );
    const stored = new Set((JSON.parse(text).tasks as { id: string }[]).map(({ id }) => id));
    expect(part.filter((id) => !stored.has(id))).toEqual([]);
  }
  const after = await other({ ...json('/v2/projects/other/tasks', {}) });
  expect(after).toEqual(before);
  expect(said.filter((message) => message.includes('failed:'))).toEqual([]);
  if (process.env.FUZZ_RUNS) console.log('answers by status:', Object.fromEntries(seen));
});

test('no bytes for a body make a route fail', { timeout: 60_000 }, async () => {
  const { demo, faults } = await fuzzed();
  const posts = ROUTES.filter(({ method }) => method === 'POST').map(
    ({ path }) => `/v2${path.replace(':project_id', 'demo').replace(/:\w+/, 't')}`,
  );
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...posts), bytes, async (path, body) => {
      const headers = { 'content-type': 'application/json' };
      const { status } = await demo({ method: 'POST', path, body, headers });
      expect(status).toBeLessThan(500);
      expect(faults).toEqual([]);
    }),
    { numRuns: Math.min(RUNS, 2000) / 4 },
  );
});

test('no path makes the collector fail', { timeout: 60_000 }, async () => {
  const { demo, faults } = await fuzzed();
  const part = fc.oneof(
    pathPart,
    malformedPart,
    fc.constantFrom('v2', 'tasks', 'sessions', 'projects', 'demo', 'flat', 'flag', 'transcript'),
    fc.constantFrom('metrics', 'openapi.json', 'health', '..', '', '__proto__', 'a'.repeat(3000)),
  );
  const method = fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH');
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), query, method, async (parts, q, verb) => {
      const path = `/${parts.join('/')}${q}`;
      const { status } = await demo({ method: verb, path, body: undefined, headers: {} });
      expect(status).toBeLessThan(500);
      expect(faults).toEqual([]);
    }),
    { numRuns: Math.min(RUNS, 2000) / 4 },
  );
});

test('the document’s schemas are found by their references', () => {
  expect(at(DOCUMENT, '#/components/schemas/LogEvent')).toMatchObject({ type: 'object' });
});
