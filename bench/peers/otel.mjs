// OpenTelemetry: a span for each call, with the GenAI conventions' attributes, through the batch processor
// and the OTLP/HTTP exporter at their defaults.

import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

export function create({ url }) {
  const exporter = new OTLPTraceExporter({ url: `${url}/traces` });
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = provider.getTracer('bench');
  return {
    wrap: (call) => (input) =>
      tracer.startActiveSpan('chat', { kind: SpanKind.CLIENT }, async (span) => {
        try {
          span.setAttributes({
            'gen_ai.operation.name': 'chat',
            'gen_ai.request.model': input.model,
            'gen_ai.input.messages': JSON.stringify(input.messages),
          });
          const output = await call(input);
          span.setAttributes({
            'gen_ai.response.model': output.model,
            'gen_ai.usage.input_tokens': output.usage.prompt_tokens,
            'gen_ai.usage.output_tokens': output.usage.completion_tokens,
            'gen_ai.output.messages': JSON.stringify(output.choices),
          });
          return output;
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      }),
    flush: () => provider.forceFlush(),
  };
}
