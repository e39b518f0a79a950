import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { describe, expect, it } from 'vitest';
import type { TaskContent } from '../../src/types.ts';
import { closeLater, listeningCollector, stepsOf } from './otlp-helpers.ts';

const WORKER = fileURLToPath(new URL('../fixtures/otlp/worker.mjs', import.meta.url));

const WAYS = [
  ['/v1/traces', 'none'],
  ['/v1/traces', 'gzip'],
  ['/v3/otl/demo', 'none'],
] as const;

/** What an agent with a tool does, by hand: no code of ours. */
function runAgent(tracer: Tracer): { taskSpan: string } {
  // The SDK's own starts are whole milliseconds, within which all of this would be.
  let clock = Date.now() - 1000;
  const start = (name: string, within: Context, attributes: Attributes = {}) =>
    tracer.startSpan(name, { attributes, startTime: clock++ }, within);
  const end = (span: Span) => span.end(clock++);
  const request = start('POST /ask', ROOT_CONTEXT, {
    'http.route': '/ask',
    'session.id': 's1',
    'enduser.id': 'ada',
  });
  const inRequest = trace.setSpan(ROOT_CONTEXT, request);
  const agent = start('invoke_agent weather', inRequest);
  agent.setAttributes({ 'gen_ai.operation.name': 'invoke_agent', 'phospho.metadata.tier': 'gold' });
  const inAgent = trace.setSpan(inRequest, agent);
  const chat = start('chat gpt-4o', inAgent);
  chat.setAttributes({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.response.model': 'gpt-4o-2024',
    'gen_ai.response.finish_reasons': ['tool_call'],
    'gen_ai.usage.input_tokens': 10,
    'gen_ai.usage.output_tokens': 5,
    'gen_ai.input.messages': JSON.stringify([
      { role: 'system', parts: [{ type: 'text', content: 'Be brief.' }] },
      { role: 'user', parts: [{ type: 'text', content: 'Rain in Lyon? 🌧' }] },
    ]),
    'gen_ai.output.messages': JSON.stringify([
      {
        role: 'assistant',
        parts: [{ type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Lyon' } }],
      },
    ]),
  });
  end(chat);
  const tool = start('execute_tool weather', inAgent);
  tool.setAttributes({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'weather',
    'gen_ai.tool.call.arguments': '{"city":"Lyon"}',
    'gen_ai.tool.call.result': '{"rain":true}',
  });
  const database = start('SELECT', trace.setSpan(inAgent, tool));
  database.setAttribute('db.query.text', 'select secret from users');
  end(database);
  tool.recordException(new TypeError('no city'));
  tool.setStatus({ code: SpanStatusCode.ERROR, message: 'no city' });
  end(tool);
  const answer = start('chat gpt-4o', inAgent);
  answer.setAttributes({
    'gen_ai.operation.name': 'chat',
    'gen_ai.response.model': 'gpt-4o-2024',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.usage.input_tokens': 20,
    'gen_ai.usage.output_tokens': 4,
    'gen_ai.output.messages': JSON.stringify([
      { role: 'assistant', parts: [{ type: 'text', content: 'Yes.' }], finish_reason: 'stop' },
    ]),
  });
  end(answer);
  end(agent);
  end(request);
  return { taskSpan: agent.spanContext().spanId };
}

function expectAgent(task: TaskContent): void {
  expect(task).toMatchObject({
    input: 'Rain in Lyon? 🌧',
    output: 'Yes.',
    session_id: 's1',
    metadata: {
      ...{ model: 'gpt-4o-2024', provider: 'openai', outcome: 'complete', tier: 'gold' },
      ...{ prompt_tokens: 30, completion_tokens: 9, finish_reason: 'stop', user_id: 'ada' },
      ...{ system_prompt: 'Be brief.', route: '/ask', name: 'invoke_agent weather', latency_ms: 9 },
    },
  });
  expect(stepsOf(task)).toMatchObject([
    {
      name: 'chat gpt-4o',
      input: 'Rain in Lyon? 🌧',
      usage: { prompt_tokens: 10, completion_tokens: 5 },
      tool_calls: [{ name: 'weather', arguments: { city: 'Lyon' } }],
      outcome: 'complete',
    },
    {
      name: 'execute_tool weather',
      input: '{"city":"Lyon"}',
      output: '{"rain":true}',
      outcome: 'error',
      error: 'TypeError: no city',
    },
    { name: 'chat gpt-4o', output: 'Yes.', finish_reason: 'stop' },
  ]);
  expect(JSON.stringify(task)).not.toContain('secret');
}

describe('a foreign OpenTelemetry app', () => {
  it('shows up as tasks with steps, in each encoding, at each path, compressed or not', async () => {
    const { url, headers, tasksWhen, get } = await listeningCollector();
    const spans = new Set<unknown>();
    for (const exporterOf of [ProtobufExporter, JsonExporter]) {
      for (const [path, compression] of WAYS) {
        const exporter = new exporterOf({ url: url + path, headers, compression } as never);
        const provider = new NodeTracerProvider({
          spanProcessors: [new SimpleSpanProcessor(exporter)],
        });
        spans.add(runAgent(provider.getTracer('by hand')).taskSpan);
        await provider.shutdown();
      }
    }
    const tasks = await tasksWhen((found) => found.length === spans.size);
    expect(new Set(tasks.map(({ metadata }) => metadata?.span_id))).toEqual(spans);
    for (const task of tasks) expectAgent(task);
    const session = await get('/sessions/s1').expect(200);
    expect(session.body.session_length).toBe(spans.size);
  });

  it('is one task where two processes make its trace, set up by OTEL_… variables', async () => {
    const { url, headers, tasksWhen } = await listeningCollector();
    const exporter = new ProtobufExporter({ url: `${url}/v1/traces`, headers });
    const provider = new NodeTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    closeLater(() => provider.shutdown());
    const workflow = provider.getTracer('caller').startSpan('invoke_workflow support');
    workflow.setAttribute('gen_ai.operation.name', 'invoke_workflow');
    const { traceId, spanId } = workflow.spanContext();
    await promisify(execFile)(process.execPath, [WORKER], {
      env: {
        PATH: process.env.PATH,
        TRACEPARENT: `00-${traceId}-${spanId}-01`,
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(headers.authorization ?? '')}`,
      },
    });
    workflow.end();
    await provider.forceFlush();
    const tasks = await tasksWhen(([task]) => stepsOf(task).length === 1);
    expect(tasks).toHaveLength(1);
    expect(tasks[0]).toMatchObject({
      input: 'Rain?',
      output: 'Yes, rain.',
      metadata: { name: 'invoke_workflow support', model: 'gpt-4o-2024', prompt_tokens: 7 },
    });
  });
});
