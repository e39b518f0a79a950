// Langfuse: `observe` around the call, its span processor at its defaults.

import { LangfuseSpanProcessor } from '@langfuse/otel';
import { observe, updateActiveObservation } from '@langfuse/tracing';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

export function create({ url }) {
  const processor = new LangfuseSpanProcessor({
    publicKey: 'pk-lf-bench',
    secretKey: 'sk-lf-bench',
    baseUrl: url,
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
  return {
    wrap: (call) =>
      observe(
        async (input) => {
          const output = await call(input);
          const { prompt_tokens, completion_tokens } = output.usage;
          const usageDetails = { input: prompt_tokens, output: completion_tokens };
          updateActiveObservation({ model: output.model, usageDetails }, { asType: 'generation' });
          return output;
        },
        { name: 'chat', asType: 'generation' },
      ),
    flush: () => processor.forceFlush(),
  };
}
