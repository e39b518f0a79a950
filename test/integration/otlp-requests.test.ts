import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import express from 'express';
import fc from 'fast-check';
import Pbf from 'pbf';
import { agent } from 'supertest';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { foldTrace } from '../../src/collector/otlp/fold.ts';
import { decodeJson } from '../../src/collector/otlp/json.ts';
import { keptSpan } from '../../src/collector/otlp/kept-span.ts';
import { decodeProtobuf } from '../../src/collector/otlp/protobuf.ts';
import { hex, request, span, startTracing, stepsOf } from './otlp-helpers.ts';

const PROTOBUF = 'application/x-protobuf';
const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.prompt': 'Hi' };

/** A request with one span, whose name and ids are given as they are. */
function protobuf(
  name = 'chat',
  traceId = Buffer.alloc(16, 1),
  spanId = Buffer.alloc(8, 2),
): Buffer {
  const pbf = new Pbf();
  const message = (tag: number, fill: () => void) => pbf.writeMessage(tag, fill, undefined);
  message(1, () =>
    message(2, () =>
      message(2, () => {
        pbf.writeBytesField(1, traceId);
        pbf.writeBytesField(2, spanId);
        pbf.writeStringField(5, name);
        pbf.writeFixed64Field(7, 1.79e18);
        pbf.writeFixed64Field(8, 1.79e18 + 1e6);
        message(9, () => {
          pbf.writeStringField(1, 'gen_ai.prompt');
          message(2, () => pbf.writeStringField(1, 'Hi'));
        });
      }),
    ),
  );
  return Buffer.from(pbf.finish());
}

/** Fields of a message with numbers and texts alone, by their numbers. */
function fieldsOf(bytes: Uint8Array): Record<number, unknown> {
  const read: Record<number, unknown> = {};
  new Pbf(new Uint8Array(bytes)).readFields((tag, fields, pbf) => {
    fields[tag] = pbf.type === 2 ? pbf.readString() : pbf.readVarint();
  }, read);
  return read;
}

async function started(options: Parameters<typeof startTracing>[0] = {}) {
  const tracing = await startTracing(options);
  const http = agent(tracing.collector.app).set(
    'authorization',
    `Bearer ${tracing.collector.apiKey}`,
  );
  const sendBytes = (bytes: Uint8Array, type = PROTOBUF, path = '/v1/traces') =>
    http
      .post(path)
      .type(type)
      .responseType('arraybuffer')
      // superagent would make JSON of a Buffer with that type.
      .serialize((body: unknown) => body as string)
      .send(Buffer.from(bytes) as never);
  return { ...tracing, http, sendBytes };
}

describe('answers', () => {
  it('are encoded as the requests are, and empty where all is taken', async () => {
    const { send, sendBytes } = await started();
    const binary = await sendBytes(protobuf()).expect(200).expect('content-type', PROTOBUF);
    expect(binary.body).toHaveLength(0);
    const json = await send(request([span({ id: 1 })])).expect(200);
    expect(json.body).toEqual({});
    expect((await send({}, '/v3/otl/demo').expect(200)).body).toEqual({ status: 'ok' });
    await sendBytes(Buffer.alloc(0)).expect(200);
  });

  it('count the spans that were rejected, and say why; the others are taken', async () => {
    const { send, sendBytes, tasksWhen } = await started();
    const bad = [
      { ...span({ id: 1 }), traceId: '0'.repeat(32) },
      { ...span({ id: 1 }), spanId: 'xyz' },
    ];
    const json = await send(request([...bad, 7 as never, span({ id: 1, attributes: CHAT })]));
    expect(json.body).toEqual({
      partialSuccess: {
        rejectedSpans: '3',
        errorMessage: '3 without a valid trace id and span id',
      },
    });
    const binary = await sendBytes(protobuf('chat', Buffer.alloc(16))).expect(200);
    const [partial] = Object.values(fieldsOf(binary.body)) as string[];
    expect(fieldsOf(Buffer.from(partial ?? '', 'latin1'))).toEqual({
      ...{ 1: 1, 2: '1 without a valid trace id and span id' },
    });
    expect(await tasksWhen((tasks) => tasks.length > 0)).toHaveLength(1);
  });

  it.each([
    ['no key', 401, 16, (http: Http) => http.post('/v1/traces').unset('authorization')],
    [
      'another key',
      401,
      16,
      (http: Http) => http.post('/v1/traces').set('authorization', 'Bearer x'),
    ],
  ])(
    'to %s are a status that OpenTelemetry’s exporters know',
    async (_what, status, code, call) => {
      const { http } = await started();
      const answer = await call(http)
        .type(PROTOBUF)
        .responseType('arraybuffer')
        .serialize((body: unknown) => body as string)
        .send(protobuf() as never)
        .expect(status);
      expect(answer.headers['content-type']).toBe(PROTOBUF);
      expect(fieldsOf(answer.body)).toEqual({ 1: code, 2: expect.stringMatching(/key/) });
      const json = await call(http).type('json').send('{}').expect(status);
      expect(json.body).toEqual({
        code,
        message: json.body.detail,
        detail: expect.stringMatching(/key/),
      });
    },
  );

  it('refuse a key of another project, an unknown encoding, and what is too large when it is inflated', async () => {
    const { send, sendBytes, http } = await started({ maxBodyBytes: 100_000 });
    await send(request([]), '/v3/otl/other').expect(403);
    await sendBytes(protobuf(), 'text/plain').expect(415);
    const bomb = gzipSync(Buffer.alloc(1_000_000, 'x'));
    const answer = await http
      .post('/v1/traces')
      .type(PROTOBUF)
      .set('content-encoding', 'gzip')
      .responseType('arraybuffer')
      .serialize((body: unknown) => body as string)
      .send(bomb as never)
      .expect(413);
    expect(fieldsOf(answer.body)).toMatchObject({ 1: 8 });
    await http
      .post('/v1/traces')
      .type('json')
      .set('content-encoding', 'gzip')
      .send('{}')
      .expect(400);
    await http
      .post('/v1/traces')
      .type('json')
      .set('content-encoding', 'compress')
      .send('{}')
      .expect(415);
  });

  it.each([
    ['no JSON', '{"resourceSpans":'],
    ['a list', '[]'],
    ['resourceSpans that is no list', '{"resourceSpans":{}}'],
    ['scopeSpans that holds no objects', '{"resourceSpans":[{"scopeSpans":[1]}]}'],
    ['JSON that is nested too deeply', `{"resourceSpans":${'['.repeat(5000)}${']'.repeat(5000)}}`],
  ])('refuse %s with 400', async (_what, body) => {
    const { http } = await started();
    const answer = await http.post('/v1/traces').type('json').send(body).expect(400);
    expect(answer.body).toMatchObject({ code: 3, message: expect.stringMatching(/OTLP/) });
  });

  it('refuse every truncation of a protobuf request with 400, or take it as a shorter one', async () => {
    const whole = protobuf();
    expect(decodeProtobuf(whole)).toMatchObject({ spans: [{ name: 'chat' }], invalid: 0 });
    for (let length = 1; length < whole.length; length++) {
      expect(() => decodeProtobuf(whole.subarray(0, length)), `${length}`).toThrow();
    }
    const { sendBytes } = await started();
    await sendBytes(whole.subarray(0, 40)).expect(400);
  });
});

/** What becomes of a request's spans, if nothing joins them. */
function foldOf(body: object): void {
  const { spans } = decodeJson(JSON.stringify(body));
  const kept = spans.map((each) => JSON.parse(JSON.stringify(keptSpan(each, Date.now()))));
  const { tasks } = foldTrace(hex(1, 32), kept);
  for (const { input, createdAt } of tasks) {
    expect(typeof input).toBe('string');
    expect(Number.isSafeInteger(createdAt)).toBe(true);
  }
}

type Http = Awaited<ReturnType<typeof started>>['http'];

describe('no request fails', () => {
  const RUNS = { numRuns: 200 };
  const nuisance = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u0000', '\ud800', '__proto__', 'constructor', '[{"role":', '[[]]', '{"a":1}'),
    fc.double(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constantFrom(null, [], {}, [null], [{ role: 1 }], [{ role: 'user', parts: [null, 1] }]),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const key = fc.constantFrom(
    ...['gen_ai.input.messages', 'gen_ai.output.messages', 'gen_ai.prompt', 'gen_ai.prompt.0.role'],
    ...['gen_ai.prompt.0.content', 'gen_ai.completion.0.tool_calls.0.name', 'ai.operationId'],
    ...['ai.prompt', 'ai.response.toolCalls', 'phospho.task_id', 'phospho.propagate', '__proto__'],
    ...[
      'gen_ai.response.finish_reasons',
      'gen_ai.usage.input_tokens',
      'phospho.metadata.__proto__',
    ],
    ...[
      'gen_ai.system_instructions',
      'session.id',
      'traceloop.entity.input',
      'gen_ai.response.model',
    ],
  );
  const anyValue = fc.oneof(
    fc.record({ stringValue: nuisance }),
    fc.record({ stringValue: fc.jsonValue({ maxDepth: 3 }).map((json) => JSON.stringify(json)) }),
    fc.record({ intValue: nuisance }),
    fc.record({ doubleValue: nuisance }),
    fc.record({
      arrayValue: fc.record({ values: fc.array(fc.record({ stringValue: nuisance })) }),
    }),
    nuisance,
  );
  const attributes = fc.array(fc.oneof(fc.record({ key, value: anyValue }), nuisance), {
    maxLength: 6,
  });
  const number = fc.oneof(
    fc.constantFrom('1790000000000000000', -1, 1e300, '-5', 'NaN', ''),
    nuisance,
  );
  const anySpan = fc.record(
    {
      traceId: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(hex(1, 32), hex(2, 32)) },
        nuisance,
      ),
      spanId: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1, max: 50 }).map((n) => hex(n, 16)) },
        nuisance,
      ),
      parentSpanId: fc.oneof(
        fc.integer({ min: 1, max: 50 }).map((n) => hex(n, 16)),
        nuisance,
      ),
      name: nuisance,
      startTimeUnixNano: number,
      endTimeUnixNano: number,
      attributes: fc.oneof({ weight: 9, arbitrary: attributes }, nuisance),
      events: fc.array(
        fc.record({
          name: fc.constantFrom('gen_ai.choice', 'exception', 'gen_ai.content.prompt'),
          attributes,
        }),
      ),
      status: fc.oneof(fc.record({ code: nuisance, message: nuisance }), nuisance),
    },
    { requiredKeys: ['traceId', 'spanId'] },
  );

  it('whatever JSON it brings, nor the folding of what was taken', {
    timeout: 90_000,
  }, async () => {
    const logged = vi.fn();
    const logger = { debug: logged, info: logged, warn: logged, error: logged };
    const { send, http, tasksWhen } = await started({ logger });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 9, arbitrary: fc.array(anySpan, { maxLength: 4 }) }, fc.jsonValue()),
        async (spans) => {
          const answer = await send(request(spans as object[]));
          expect([200, 400]).toContain(answer.status);
          if (answer.status === 200) foldOf(request(spans as object[]));
        },
      ),
      RUNS,
    );
    // The spans' own times cannot hold back a trace that is asked for when all of these are.
    await send(request([span({ id: 1, trace: 9, attributes: CHAT })])).expect(200);
    await tasksWhen((tasks) => tasks.some(({ metadata }) => metadata?.trace_id === hex(9, 32)));
    const left = await http.get('/metrics');
    expect(left.text).toMatch(/phospho_collector_spans_total\{result="stored"\} [1-9]/);
    expect(logged.mock.calls).toEqual([]);
  });

  it('whatever bytes it brings', { timeout: 60_000 }, async () => {
    const { sendBytes } = await started();
    const whole = protobuf();
    const damaged = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const copy = Buffer.from(whole);
        for (const [at, byte] of changes) copy[at] = byte;
        return copy;
      });
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged);
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(PROTOBUF, 'application/json'), async (body, type) => {
        const answer = await sendBytes(body, type);
        expect([200, 400]).toContain(answer.status);
      }),
      RUNS,
    );
  });
});

it('a request that is sent again changes nothing', async () => {
  const { send, tasksWhen, http } = await started();
  const body = request([
    span({ id: 1, attributes: CHAT }),
    span({ id: 2, parent: 1, attributes: CHAT }),
  ]);
  await Promise.all([1, 2, 3].map(() => send(body).expect(200)));
  const [task, ...others] = await tasksWhen((tasks) => tasks.length > 0);
  expect(others).toEqual([]);
  expect(stepsOf(task)).toHaveLength(1);
  const metrics = await http.get('/metrics');
  expect(metrics.text).toContain('phospho_collector_spans_total{result="stored"} 2');
  expect(metrics.text).toContain('phospho_collector_spans_total{result="duplicate"} 4');
});

it('spans that come after their task was stored become its steps', async () => {
  const { send, tasksWhen } = await started();
  await send(request([span({ id: 1, attributes: CHAT })])).expect(200);
  await tasksWhen((tasks) => tasks.length === 1);
  await send(request([span({ id: 2, parent: 1, attributes: { 'gen_ai.completion': 'Hello' } })]));
  const [task, ...others] = await tasksWhen(([first]) => stepsOf(first).length === 1);
  expect(others).toEqual([]);
  expect(task).toMatchObject({ input: 'Hi', output: 'Hello' });
});

it('a flag for a task that is still spans waits for it', async () => {
  const { send, http } = await started();
  await send(request([span({ id: 1, attributes: { ...CHAT, 'phospho.task_id': 't1' } })])).expect(
    200,
  );
  const flagged = await http.post('/v2/tasks/t1/flag').send({ flag: 'success' }).expect(200);
  expect(flagged.body).toMatchObject({ id: 't1', input: 'Hi', flag: 'success' });
});

it('an event that names its task keeps all it has, and foreign spans within its span become steps', async () => {
  const { send, tasksWhen, http } = await started();
  const own = { 'phospho.task_id': 't1', 'phospho.outcome': 'complete' };
  const log = (event: object) =>
    http
      .post('/v2/log/demo')
      .send({ batched_log_events: [event] })
      .expect(200);
  await send(request([span({ id: 1, attributes: own })], {}, 'phospho-express')).expect(200);
  await send(request([span({ id: 2, parent: 1, attributes: CHAT })])).expect(200);
  await send(
    request([span({ id: 3, trace: 2, attributes: { ...CHAT, 'phospho.task_id': 't2' } })]),
  );
  // Its spans alone make no task: the event, with its texts, is still to come.
  const [alone, ...none] = await tasksWhen((tasks) => tasks.length > 0);
  expect([alone?.id, none]).toEqual(['t2', []]);
  await log({ task_id: 't1', input: 'Told', output: 'By the event', metadata: { plan: 'gold' } });
  const tasks = await tasksWhen((found) =>
    found.some((task) => task.id === 't1' && stepsOf(task).length > 0),
  );
  expect(tasks.find(({ id }) => id === 't1')).toMatchObject({
    ...{ input: 'Told', output: 'By the event' },
    metadata: { plan: 'gold', steps: [{ step_id: hex(2, 16), input: 'Hi' }] },
  });
});

it('spans that were acknowledged become tasks after the collector was closed at once, and opened again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-otlp-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const options = {
    database: `sqlite:${join(folder, 'phospho.db')}`,
    apiKey: 'a-key-for-both-of-them',
  };
  const first = await createCollector({ ...options, port: 0 });
  const sent = await agent(first.app)
    .post('/v1/traces')
    .set('authorization', `Bearer ${options.apiKey}`)
    .send(request([span({ id: 1, attributes: CHAT })]));
  expect(sent.status).toBe(200);
  await first.close();
  const { tasksWhen } = await started(options);
  expect(await tasksWhen((tasks) => tasks.length > 0)).toMatchObject([{ input: 'Hi' }]);
});

it('works mounted in an app that reads JSON before it', async () => {
  const { collector, tasksWhen } = await startTracing();
  const app = express().use(express.json(), collector.app);
  const post = agent(app).post('/v1/traces').set('authorization', `Bearer ${collector.apiKey}`);
  await post.send(request([span({ id: 1, attributes: CHAT })])).expect(200);
  expect(await tasksWhen((tasks) => tasks.length > 0)).toMatchObject([{ input: 'Hi' }]);
});
