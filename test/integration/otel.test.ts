import { createServer } from 'node:http';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import express from 'express';
import OpenAI from 'openai';
import type { LogEvent } from 'phospho-express';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completion } from '../fixtures/openai-chat.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { listening } from '../helpers/servers.ts';

const ASKED = { session_id: 's 1', messages: [{ role: 'user', content: 'Rain, says Ada?' }] };

describe('where OpenTelemetry is set up', () => {
  let exporter: InMemorySpanExporter;
  let provider: NodeTracerProvider;

  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.register();
  });

  afterEach(async () => {
    await provider.shutdown();
    trace.disable();
    context.disable();
  });

  const spanNamed = (name: string): ReadableSpan => {
    const found = exporter.getFinishedSpans().filter((span) => span.name === name);
    expect(
      found,
      exporter
        .getFinishedSpans()
        .map((span) => span.name)
        .join(', '),
    ).toHaveLength(1);
    return found[0]!;
  };
  const idsOf = (span: ReadableSpan): { trace_id: string; span_id: string } => {
    const { traceId, spanId } = span.spanContext();
    return { trace_id: traceId, span_id: spanId };
  };
  const parentOf = (span: ReadableSpan): string | undefined => span.parentSpanContext?.spanId;
  const tracer = () => trace.getTracer('of the app');
  const only = (events: LogEvent[]): LogEvent => {
    expect(events).toHaveLength(1);
    return events[0]!;
  };

  it('a task and its steps are spans, nested as they are, and under the active span', async () => {
    const { phospho, events } = testPhospho();
    const retrieve = phospho.wrap(async () => 'a page', { name: 'retrieve' });
    const answer = phospho.wrap(
      async () => {
        await retrieve();
        await tracer().startActiveSpan('of the app', async (span) => {
          await phospho.step('rank', async () => 'ranked');
          span.end();
        });
        return 'x';
      },
      { name: 'answer', sessionId: () => 's 1', userId: () => 'u' },
    );
    await tracer().startActiveSpan('request', async (span) => {
      await answer();
      span.end();
    });
    const event = only(await events());
    const task = spanNamed('answer');
    expect(event.metadata).toMatchObject(idsOf(task));
    expect(task.attributes).toEqual({
      'phospho.task_id': event.task_id,
      'phospho.session_id': 's 1',
      'gen_ai.conversation.id': 's 1',
      'user.id': 'u',
      'phospho.outcome': 'complete',
    });
    expect(parentOf(task)).toBe(spanNamed('request').spanContext().spanId);
    expect(parentOf(spanNamed('retrieve'))).toBe(task.spanContext().spanId);
    expect(parentOf(spanNamed('of the app'))).toBe(task.spanContext().spanId);
    expect(parentOf(spanNamed('rank'))).toBe(spanNamed('of the app').spanContext().spanId);
    expect(spanNamed('rank').attributes).toMatchObject({
      'phospho.task_id': event.task_id,
      'phospho.step_id': '2',
    });
    for (const span of exporter.getFinishedSpans()) {
      expect(span.spanContext().traceId).toBe(task.spanContext().traceId);
      expect(span.kind).toBe(SpanKind.INTERNAL);
    }
  });

  it('a model’s answer is told by the GenAI conventions, and no text is on a span', async () => {
    const { phospho, events } = testPhospho();
    const ask = phospho.wrap(async (_body: object) => completion, { name: 'ask' });
    await ask({ model: 'gpt-4o', messages: ASKED.messages });
    await events();
    const { attributes } = spanNamed('ask');
    expect(attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.response.model': completion.model,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': completion.usage.prompt_tokens,
      'gen_ai.usage.output_tokens': completion.usage.completion_tokens,
    });
    expect(JSON.stringify(attributes)).not.toContain('Ada');
    expect(JSON.stringify(attributes)).not.toContain(completion.choices[0]?.message.content);
  });

  it('a call of an observed client is a client’s span, named as the conventions want it', async () => {
    const { phospho, events } = testPhospho();
    const client = phospho.observe(
      new OpenAI({ apiKey: 'x', fetch: async () => Response.json(completion) }),
    );
    await phospho.wrap(
      () => client.chat.completions.create({ model: 'gpt-4o-mini', messages: [] }),
      { name: 'around' },
    )();
    await events();
    const span = spanNamed('chat gpt-4o-mini');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.response.model': completion.model,
      'gen_ai.response.finish_reasons': ['stop'],
    });
    expect(spanNamed('around').attributes).not.toHaveProperty('gen_ai.usage.input_tokens');
  });

  it('tokens are told once: by the step that asked the model, not by the task around it', async () => {
    const { phospho, events } = testPhospho();
    const ask = phospho.wrap(async () => completion, { name: 'ask' });
    await phospho.wrap(async () => ask(), { name: 'around' })();
    await events();
    expect(spanNamed('ask').attributes).toHaveProperty('gen_ai.usage.input_tokens');
    expect(spanNamed('around').attributes).not.toHaveProperty('gen_ai.usage.input_tokens');
  });

  it('a captured request is a span of its own; one that is no exchange with a model is none', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware(), express.json());
    app.post('/chat', async (_req, res) => {
      await tracer().startActiveSpan('database', async (span) => span.end());
      await phospho.step('retrieve', async () => 'a page');
      res.json(completion);
    });
    app.get('/health', (_req, res) => {
      tracer().startActiveSpan('check', (span) => span.end());
      res.json({ ok: true });
    });
    // As the instrumentation of node:http does.
    const server = createServer((req, res) =>
      tracer().startActiveSpan(`${req.method}`, (span) => {
        res.once('close', () => span.end());
        app(req, res);
      }),
    );
    const port = await listening(server);
    const url = `http://127.0.0.1:${port}`;
    await request(url).get('/health').expect(200);
    await request(url).post('/chat').send(ASKED).expect(200);
    const event = only(await events());
    const task = spanNamed('/chat');
    expect(event.metadata).toMatchObject(idsOf(task));
    expect(parentOf(task)).toBe(spanNamed('POST').spanContext().spanId);
    expect(parentOf(spanNamed('database'))).toBe(spanNamed('POST').spanContext().spanId);
    expect(parentOf(spanNamed('retrieve'))).toBe(task.spanContext().spanId);
    expect(parentOf(spanNamed('check'))).toBe(spanNamed('GET').spanContext().spanId);
    expect(task.attributes).toMatchObject({
      'phospho.session_id': 's 1',
      'http.route': '/chat',
      'gen_ai.response.model': completion.model,
    });
    const names = exporter.getFinishedSpans().map((span) => span.name);
    expect(names.sort()).toEqual(['/chat', 'GET', 'POST', 'check', 'database', 'retrieve']);
  });

  it('a failure is told by its name and by the status, without its message', async () => {
    const { phospho, events } = testPhospho();
    const fail = phospho.wrap(
      async () => {
        throw new RangeError('Ada asked for too much');
      },
      { name: 'fail' },
    );
    await phospho.wrap(() => fail().catch(() => 'fine'), { name: 'around' })();
    await events();
    expect(spanNamed('fail').status).toEqual({ code: SpanStatusCode.ERROR });
    expect(spanNamed('fail').attributes).toMatchObject({
      'error.type': 'RangeError',
      'phospho.outcome': 'error',
    });
    expect(spanNamed('around').status).toEqual({ code: SpanStatusCode.UNSET });
  });

  it('what is thrown and is no error is no name, not even of one word', async () => {
    const { phospho, events } = testPhospho();
    for (const thrown of ['hunter2', 'Ada: called', { name: 'Ada' }]) {
      const fail = phospho.wrap(
        () => {
          throw thrown;
        },
        { name: 'fail' },
      );
      expect(fail).toThrow();
    }
    await events();
    const types = exporter.getFinishedSpans().map(({ attributes }) => attributes['error.type']);
    expect(types).toEqual(['_OTHER', '_OTHER', '_OTHER']);
  });

  it('lasts as long as the task did, and is as private: ids are masked as those of the event', async () => {
    const { phospho, events } = testPhospho({ mask: (text) => text.replaceAll('Ada', '***') });
    await phospho.wrap(() => new Promise((resolve) => setTimeout(resolve, 30)), {
      name: 'wait',
      userId: () => 'Ada',
    })();
    const event = only(await events());
    const span = spanNamed('wait');
    const [seconds, nanoseconds] = span.duration;
    const ms = seconds * 1_000 + nanoseconds / 1e6;
    expect(Math.abs(ms - Number(event.metadata?.latency_ms))).toBeLessThan(0.01);
    expect(span.attributes['user.id']).toBe(event.user_id);
    expect(span.attributes['user.id']).toMatch(/^masked_/);
  });

  it('a stream’s code runs under its span for each item, and its reader’s does not', async () => {
    const { phospho, events } = testPhospho();
    const active = (): string | undefined => trace.getActiveSpan()?.spanContext().spanId;
    const within: (string | undefined)[] = [];
    const outside: (string | undefined)[] = [];
    const tell = phospho.wrap(
      async function* () {
        within.push(active());
        yield 'a';
        within.push(active());
        yield 'b';
      },
      { name: 'tell' },
    );
    for await (const _ of tell()) outside.push(active());
    await events();
    const { spanId } = spanNamed('tell').spanContext();
    expect(within).toEqual([spanId, spanId]);
    expect(outside).toEqual([undefined, undefined]);
  });

  it('a task of which nothing may be sent still ends its spans', async () => {
    const { phospho, events } = testPhospho({
      logLevel: 'silent',
      mask: () => {
        throw new Error('no mask');
      },
    });
    await phospho.wrap(() => phospho.step('within', () => 'x'), { name: 'around' })();
    const event = only(await events());
    expect(spanNamed('around').attributes).toEqual({ 'phospho.task_id': event.task_id });
    expect(parentOf(spanNamed('within'))).toBe(spanNamed('around').spanContext().spanId);
  });

  it('turned off by `openTelemetry: false`, there are none', async () => {
    const { phospho, events } = testPhospho({ openTelemetry: false });
    phospho.step('alone', () => 1);
    expect(only(await events()).metadata).not.toHaveProperty('trace_id');
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('and what throws in it costs the span alone, said once', async () => {
    await provider.shutdown();
    trace.disable();
    trace.setGlobalTracerProvider({
      getTracer: () => ({
        startSpan: () => {
          throw new Error('no spans today');
        },
        startActiveSpan: () => {
          throw new Error('nor these');
        },
      }),
    });
    const said: string[] = [];
    const say = (message: string): void => void said.push(message);
    const logger = { debug: say, info: say, warn: say, error: say };
    const { phospho, events } = testPhospho({ logger });
    for (let n = 0; n < 3; n++) {
      phospho.wrap(() => phospho.step('within', () => 'x'), { name: 'around' })();
    }
    expect(await events()).toHaveLength(3);
    expect(said.filter((line) => line.includes('no spans today'))).toHaveLength(1);
  });
});

it('where it is not set up, nothing of it is looked for or said', async () => {
  const { phospho, events } = testPhospho();
  phospho.step('alone', () => 1);
  const [event] = await events();
  expect(event?.metadata).not.toHaveProperty('trace_id');
  expect(event?.metadata).not.toHaveProperty('span_id');
});
